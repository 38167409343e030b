#!/usr/bin/env bash
# A stage and the first use of a model, sent with curl.
set -euo pipefail

endpoint=${OTEL_EXPORTER_OTLP_ENDPOINT:-http://127.0.0.1:4318}
namespace=ads key=churn@7 model=churn

sha256() { sha256sum | cut -c "1-$1"; }
cycle=$(printf 'cycletrace.cycle\0%s\0%s' "$namespace" "$key" | sha256 32)
root=$(printf 'cycletrace.root\0%s' "$cycle" | sha256 16)
random_id() { od -An -N8 -tx1 /dev/urandom | tr -d ' \n'; }
text() { printf '{"key":"%s","value":{"stringValue":"%s"}}' "$1" "$2"; }
of_cycle="$(text cycletrace.cycle.id "$cycle"),$(text cycletrace.cycle.key "$key")"
of_cycle+=",$(text cycletrace.cycle.namespace "$namespace"),$(text cycletrace.model.name "$model")"

# span NAME ID START END ATTRIBUTES
span() {
  printf '{"traceId":"%s","spanId":"%s","parentSpanId":"%s","name":"%s","kind":1,' "$cycle" "$2" "$root" "$1"
  printf '"startTimeUnixNano":"%s","endTimeUnixNano":"%s","attributes":[%s,%s]}' "$3" "$4" "$5" "$of_cycle"
}

start=$(date +%s%N)
sleep 0.1 # the training
end=$(date +%s%N)
id=$(random_id)
stage=$(span train "$id" "$start" "$end" "$(text cycletrace.stage.id "$id")")
mark=$(span 'mark in_use' "$(random_id)" "$end" "$end" "$(text cycletrace.mark.name in_use)")

curl --silent --show-error --fail-with-body "$endpoint/v1/traces" --header 'Content-Type: application/json' \
  --data "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[$stage,$mark]}]}]}"
