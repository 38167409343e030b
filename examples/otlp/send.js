// A stage and the first use of a model, sent with OpenTelemetry's SDK for Node.
import { createHash } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"

const [namespace, key, model] = ["ads", "churn@7", "churn"]
const hash = (...fields) => createHash("sha256").update(fields.join("\0")).digest("hex")

const exporter = new OTLPTraceExporter() // reads OTEL_EXPORTER_OTLP_ENDPOINT
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
const tracer = provider.getTracer("example")

// The cycle is the trace, and its root span the parent of what is directly in it.
const cycle = hash("cycletrace.cycle", namespace, key).slice(0, 32)
const root = hash("cycletrace.root", cycle).slice(0, 16)
const inCycle = trace.setSpanContext(ROOT_CONTEXT, { traceId: cycle, spanId: root, traceFlags: TraceFlags.SAMPLED })
const attributes = {
  "cycletrace.cycle.id": cycle,
  "cycletrace.cycle.key": key,
  "cycletrace.cycle.namespace": namespace,
  "cycletrace.model.name": model,
}

const stage = tracer.startSpan("train", { attributes }, inCycle)
stage.setAttribute("cycletrace.stage.id", stage.spanContext().spanId)
await setTimeout(100) // the training
stage.end()

const mark = tracer.startSpan("mark in_use", { attributes }, inCycle)
mark.setAttribute("cycletrace.mark.name", "in_use")
mark.end()

await provider.shutdown()
