"""The pipeline that the demo measures: one short script per step, each run in a separate process.

They use only cycletrace's public API (and the demo's own log, for the acceptance test). ``CYCLETRACE_CYCLE`` names the
cycle of a step, and the working directory is that of its version.
"""
