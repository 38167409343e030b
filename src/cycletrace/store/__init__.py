"""One SQLite schema for both ways in, the journal and OTLP; records, dirty cycles, facts."""
