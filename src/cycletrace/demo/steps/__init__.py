"""The pipeline that the demo measures: one short script a step, each run as a process of its own.

They use nothing of cycletrace but its public API (and the demo's own log, for the test that checks us). Which
cycle a step belongs to stands in ``CYCLETRACE_CYCLE``; the folder it works in is that of its version.
"""
