"""Change the fold in one small place after another and see whether the tests notice.

    python scripts/mutate_flow.py                 # all mutants: some tens of minutes on one core
    python scripts/mutate_flow.py --only owners   # those of one module
    python scripts/mutate_flow.py --list          # what would be changed

Each mutant runs in its own copy against the hand-worked cycles, a short comparison with the slow reference, and the
large cycles. Survivors are printed by file and line. The exit status is 1 if fewer than 95 % are killed.
"""
# ruff: noqa: S603 -- a script, not a package; it runs this project's own tests

from __future__ import annotations

import argparse
import ast
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FLOW = Path("src/cycletrace/_internal/flow")
TESTS = Path("tests/flow")
PROOF = Path("scripts/prove_flow.py")
AIM = 0.95
TIMEOUT = 60
"""Seconds after which a mutant counts as killed: it does not end, and the test run would not pass either."""
MEMORY = 2 << 30
"""Bytes that a mutant may take: one that does not end may also grow."""

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.LShift: ast.RShift,
}
NAMES = {
    "min": "max",
    "max": "min",
    "all": "any",
    "any": "all",
    "sorted": "list",
    "bisect_left": "bisect_right",
    "bisect_right": "bisect_left",
}


class Mutant(NamedTuple):
    """One change: its place, a description, and the source of the changed module."""

    module: str
    line: int
    change: str
    source: str

    def __str__(self) -> str:
        """Return file and line, as an editor opens them, with the change."""
        return f"{FLOW / self.module}:{self.line}: {self.change}"


class Mutator(ast.NodeTransformer):
    """Make the change with a given number, and count all possible ones. Annotations and docstrings stay."""

    def __init__(self, number: int) -> None:
        self.count = 0
        self.line = 0
        self.change = ""
        self._number = number

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the node, or its replacement in this mutant."""
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.arg)) or _is_docstring(node):
            return node
        for change, other in changes(node):
            self.count += 1
            if self.count == self._number:
                where = node.target if isinstance(node, ast.comprehension) else node
                self.line, self.change = getattr(where, "lineno", 0), change
                return other
        if isinstance(node, ast.AnnAssign):
            node.value = None if node.value is None else self._expression(node.value)
            return node
        if isinstance(node, ast.FunctionDef):
            node.args = self.generic_visit(node.args)  # type: ignore[assignment]  # the node itself
            node.body = [self.visit(statement) for statement in node.body]  # type: ignore[misc]
            return node
        if isinstance(node, ast.ClassDef):  # neither bases nor decorators
            node.body = [self.visit(statement) for statement in node.body]  # type: ignore[misc]
            return node
        return self.generic_visit(node)

    def _expression(self, node: ast.expr) -> ast.expr:
        visited = self.visit(node)
        assert isinstance(visited, ast.expr)
        return visited


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield a description and a replacement for each way to change a node."""
    text = ast.unparse(node).partition("\n")[0]
    for other in _others(node):
        written = ast.unparse(ast.fix_missing_locations(other)).partition("\n")[0]
        yield f"{text}  ->  {written}", other


def _others(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in COMPARISONS[type(node.ops[0])]:
            yield ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for dropped in range(len(node.values)):
            kept = [value for place, value in enumerate(node.values) if place != dropped]
            yield ast.BoolOp(node.op, kept) if len(kept) > 1 else kept[0]
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)
    elif isinstance(node, ast.Slice):
        if node.lower is not None:
            yield ast.Slice(None, node.upper, node.step)
        if node.upper is not None:
            yield ast.Slice(node.lower, None, node.step)
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.comprehension):
        for dropped in range(len(node.ifs)):
            yield ast.comprehension(node.target, node.iter, node.ifs[:dropped] + node.ifs[dropped + 1 :], node.is_async)
    else:
        yield from _other_statements(node)


def _other_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str):
        yield ast.Constant(f"{value}mutant")


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in NAMES:
        keyless = [keyword for keyword in node.keywords if keyword.arg != "key"]
        keywords = keyless if node.func.id == "sorted" else node.keywords
        yield ast.Call(ast.Name(NAMES[node.func.id]), node.args, keywords)
        if len(keyless) < len(node.keywords):
            yield ast.Call(node.func, node.args, keyless)


def _other_statements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If):
        yield ast.If(ast.Constant(value=True), node.body, node.orelse)
        yield ast.If(ast.Constant(value=False), node.body, node.orelse)
    elif isinstance(node, ast.While):
        yield ast.While(ast.Constant(value=False), node.body, node.orelse)
    elif isinstance(node, ast.Continue):
        yield ast.Break()
        yield ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Expr, ast.AugAssign)) or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
    ):
        yield ast.Pass()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(module: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module, in order."""
    source = module.read_text(encoding="utf-8")
    counter = Mutator(0)
    counter.visit(ast.parse(source))
    for number in range(1, counter.count + 1):
        mutator = Mutator(number)
        tree = ast.fix_missing_locations(mutator.visit(ast.parse(source)))
        yield Mutant(module.name, mutator.line, mutator.change, ast.unparse(tree) + "\n")


def copy_to(folder: Path) -> None:
    """Copy the package and the tests of the fold."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignore)
    shutil.copytree(ROOT / TESTS, folder / TESTS, ignore=ignore)
    for shared in (ROOT / TESTS.parent).glob("*.py"):
        shutil.copy(shared, folder / TESTS.parent)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / PROOF).parent.mkdir()
    shutil.copy(ROOT / PROOF, folder / PROOF)


def is_killed(folder: Path, examples: int) -> bool:
    """Return whether a test fails in the copy: on hand-worked, random or large cycles."""
    pytest = ("-m", "pytest", "-n0", "-x", "--timeout", "10", "-p", "no:cacheprovider")
    by_hand = sorted(str(path) for path in folder.glob(f"{TESTS}/test_cycles_*.py"))
    return not (
        _passes(folder, *pytest, *by_hand, f"{TESTS}/test_intervals.py", f"{TESTS}/test_version.py")
        and _passes(folder, str(folder / PROOF), "--count", str(examples))
        and _passes(folder, *pytest, f"{TESTS}/test_scale.py")
    )


def _passes(folder: Path, *arguments: str) -> bool:
    # Two mutants of one second and size would share their bytecode; that of the tests may stay.
    shutil.rmtree(folder / FLOW / "__pycache__", ignore_errors=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": ""}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
            preexec_fn=_limit_memory,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(arguments: list[str] | None = None) -> int:
    """Run the mutants. Return 1 if too many survive."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="only modules whose name has this text")
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    parser.add_argument("--examples", type=int, default=1500, help="sets of cycles per mutant (default: 1500)")
    chosen = parser.parse_args(arguments)
    modules = [path for path in sorted((ROOT / FLOW).glob("[!_]*.py")) if chosen.only in path.name]
    found = [mutant for module in modules for mutant in mutants(module)]
    if chosen.list:
        print(*found, f"{len(found)} mutants", sep="\n")
        return 0
    survivors: list[Mutant] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        if is_killed(folder, chosen.examples):
            print("the tests fail without any change")
            return 1
        for done, mutant in enumerate(found, start=1):
            changed = folder / FLOW / mutant.module
            original = changed.read_text(encoding="utf-8")
            changed.write_text(mutant.source, encoding="utf-8")
            if not is_killed(folder, chosen.examples):
                survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)
            changed.write_text(original, encoding="utf-8")
            if done % 50 == 0:
                print(f"{done} of {len(found)}, {time.monotonic() - began:.0f} s", flush=True)
    share = 1 - len(survivors) / max(1, len(found))
    print(f"{len(found)} mutants, {len(survivors)} survived, {share:.1%} killed")
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
