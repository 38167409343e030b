"""Delivery of journals to an OTLP endpoint: by one process per directory, bounded, resumable, at least once."""
