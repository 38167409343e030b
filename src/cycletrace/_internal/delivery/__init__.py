"""From journals to an OTLP endpoint: one claim-holder a directory, bounded, resumable, at least once."""
