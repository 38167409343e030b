"""What both halves know of OTLP: endpoints, signals, values, and what an answer means. No connection is opened here."""
