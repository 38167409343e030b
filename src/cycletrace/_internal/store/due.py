"""When a cycle is to be folded: at an instant in UTC nanoseconds, or at once."""

from __future__ import annotations

DUE_NOW = -(1 << 63)
"""Before any instant."""
