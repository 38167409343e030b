"""The append-only local files that stand between what runs and what reads: their names, lines and writers."""
