"""Trees of stages, for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import ndiff
from typing import NamedTuple, TypeGuard


class Node(NamedTuple):
    """A stage with the stages inside it, in the order in which they began."""

    name: str
    outcome: str = "ok"
    children: tuple[Node, ...] = ()


def outline(nodes: Sequence[Node], depth: int = 0) -> Iterator[str]:
    """Yield a line for each stage, indented by its depth."""
    for node in nodes:
        yield f"{'  ' * depth}{node.name}: {node.outcome}"
        yield from outline(node.children, depth + 1)


def differences(left: object, right: object) -> list[str] | None:
    """Return how two lists of trees differ, stage by stage, or ``None`` if they are anything else."""
    if not (_is_forest(left) and _is_forest(right)):
        return None
    lines = ndiff(list(outline(left)), list(outline(right)))
    return [
        "the stages differ (- is only on the left, + only on the right):",
        *(line.rstrip() for line in lines if not line.startswith("?")),
    ]


def _is_forest(value: object) -> TypeGuard[list[Node]]:
    return isinstance(value, list) and all(isinstance(node, Node) for node in value)
