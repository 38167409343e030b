"""The processor in front of the backends: OTLP in, everything forwarded unchanged, cycle times out."""
