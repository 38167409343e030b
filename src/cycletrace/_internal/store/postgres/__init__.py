"""A store in a database of PostgreSQL, for several collectors."""
