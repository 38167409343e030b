"""From running code to records: ids, context, journal, delivery, the behaviour at fork and exit."""
