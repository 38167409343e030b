// A stage and the first use of a model, sent with OpenTelemetry's SDK for Go.
package main

import (
	"context"
	"crypto/sha256"
	"log"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const namespace, key, model = "ads", "churn@7", "churn"

func hash(fields ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(fields, "\x00")))
	return sum[:]
}

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx) // reads OTEL_EXPORTER_OTLP_ENDPOINT
	if err != nil {
		log.Fatal(err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sdk.AlwaysSample()))
	tracer := provider.Tracer("example")

	// The cycle is the trace, and its root span the parent of what is directly in it.
	cycle := trace.TraceID(hash("cycletrace.cycle", namespace, key)[:16])
	root := trace.SpanID(hash("cycletrace.root", cycle.String())[:8])
	ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: cycle, SpanID: root, TraceFlags: trace.FlagsSampled,
	}))
	ofCycle := trace.WithAttributes(
		attribute.String("cycletrace.cycle.id", cycle.String()),
		attribute.String("cycletrace.cycle.key", key),
		attribute.String("cycletrace.cycle.namespace", namespace),
		attribute.String("cycletrace.model.name", model),
	)

	_, stage := tracer.Start(ctx, "train", ofCycle)
	stage.SetAttributes(attribute.String("cycletrace.stage.id", stage.SpanContext().SpanID().String()))
	time.Sleep(100 * time.Millisecond) // the training
	stage.End()

	_, mark := tracer.Start(ctx, "mark in_use", ofCycle)
	mark.SetAttributes(attribute.String("cycletrace.mark.name", "in_use"))
	mark.End()

	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
