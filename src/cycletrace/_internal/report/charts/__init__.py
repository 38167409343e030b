"""The charts of a page, one module per chart: from figures of the report to marks, which are plain data."""
