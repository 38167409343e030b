"""The public API. It imports quickly: the modules that record are loaded at the first stage.

Functions that record call ``loading.ready`` first, and then import what they need.
"""

from cycletrace._internal import loading as loading  # imported here so that no thread imports it during a fork
