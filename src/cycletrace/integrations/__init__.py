"""Integrations with frameworks: what they do becomes stages, waits and marks of a cycle.

One module per framework, imported only where it is used and built on the public API. None of them changes or ends what
the framework does. See ``docs/integrations.md``.
"""
