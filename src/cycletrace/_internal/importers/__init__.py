"""The history of other systems as records: a module per system, and one driver for all of them.

A module turns what its system says into records, by pure functions. ``driver`` checks them, leaves out what was
imported before, and hands the rest on; ``documents`` makes documents of a journal of them.
"""
