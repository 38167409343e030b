"""What a command says when it cannot do what was asked."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - what the user reads is a sentence, not a class
    """A sentence for a person: what was wrong, where, and what to do next. The command exits with 2."""
