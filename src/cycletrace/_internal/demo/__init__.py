"""The demo: takes a real model from data to production, one process per step."""
