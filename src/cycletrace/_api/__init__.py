"""The public objects, light to import: what records is loaded at the first stage.

Functions that record ask :func:`cycletrace.emit.loading.ready` first, and then import what they need.
"""

from cycletrace.emit import loading as loading  # here, so that no thread imports it while another forks
