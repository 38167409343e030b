"""Tools for tests of pipelines: the implementation of :mod:`cycletrace.testing`."""
