"""The version, readable also where the distribution's metadata is missing, as in slim layers and vendored copies."""

__version__ = "0.1.0"
