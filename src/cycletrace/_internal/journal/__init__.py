"""Journals, the append-only local files between recording and reading: their names, lines and writers."""
