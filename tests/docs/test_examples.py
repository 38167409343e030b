"""Every example of the pages is executed as a reader would execute it.

A page is a session: its blocks run in order, in one folder, each in a process of its own, with records of their own.

- ``python`` blocks are run; one whose first line is ``# name.py`` is saved under that name instead, for later blocks.
- ``sh`` blocks are run by bash, and stop at the first command that fails.
- A ``text`` block directly after one of these shows its output. Times, dates, lengths, shares, bars, ids and folders
  may differ; ``…`` alone on a line stands for any lines; every other word must be there.
- A block marked ``no-run`` is not executed, and neither is any other language.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, ROOT, Block, blocks
from tests.journals import environment

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]

VARYING = [
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]+"), "START"),
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?( to (\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)?)?)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "DATE"),
    (re.compile(r"(?<!\w)[+-]?[\d.,]+ (ns|µs|ms|s|min|h|d|days?)\b( \d+ (s|min|h)\b)?"), "LENGTH"),
    (re.compile(r"(< )?\d+ %"), "SHARE"),
    (re.compile(r"[█▌▓▒░▁▂▃▄▅▆▇]+"), "BAR"),
    (re.compile(r"\b[0-9a-f]{10,}…?"), "ID"),
    (re.compile(r"(?<= )/\S+"), "FOLDER"),
    (re.compile(r"\b\d{19}\b"), "INSTANT"),
]


def normal(line: str) -> str:
    for varying, word in VARYING:
        line = varying.sub(word, line)
    return " ".join(line.split())


def is_shown(shown: str, output: str) -> bool:
    """Return whether an output matches the page."""
    pattern = "".join(
        "(?:.*\n)*" if line.strip() == "…" else re.escape(normal(line)) + "\n" for line in shown.strip().splitlines()
    )
    return re.fullmatch(pattern, "".join(f"{normal(line)}\n" for line in output.strip().splitlines())) is not None


def run(block: Block, folder: Path) -> str:
    """Return the output of a block."""
    if block.info[0] == "python":
        script = folder / f"line_{block.line}.py"
        script.write_text(block.text, encoding="utf-8")
        command = [sys.executable, script.name]
    else:
        command = ["bash", "-euo", "pipefail", "-c", block.text]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # As at a reader's terminal, whatever runs the tests.
    reader = {"CYCLETRACE_LAUNCH": "terminal", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PATH": path}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder.parent / "state", **reader),
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"line {block.line}:\n{block.text}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == "", f"line {block.line}: {done.stderr}"
    return done.stdout


def saved_as(block: Block) -> str | None:
    name = re.match(r"# (\w+\.py)\n", block.text)
    return name[1] if name and block.info[0] == "python" else None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_examples_of_a_page_print_its_output(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    output: str | None = None
    for block in blocks(path.read_text(encoding="utf-8")):
        language, *said = block.info or ("",)
        if language == "text" and block.follows_directly and output is not None:
            assert is_shown(block.text, output), f"line {block.line} shows:\n{block.text}\nbut it was:\n{output}"
        output = None
        if language in {"python", "sh"} and "no-run" not in said:
            name = saved_as(block)
            if name is not None:
                (folder / name).write_text(block.text, encoding="utf-8")
            else:
                output = run(block, folder)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_reprs_describe_the_object(path: Path) -> None:
    for block in blocks(path.read_text(encoding="utf-8")):
        assert block.info, f"line {block.line}: a block without a language"
        assert block.info[1:] in {(), ("no-run",)}, f"line {block.line}: {block.info}"


def test_output_is_compared_word_by_word() -> None:
    assert is_shown("a  12 ms\n…\nz", "a 3.5 s\nb\nc\nz\n")
    assert not is_shown("a 12 ms\nz", "a 3.5 s\nb\nz\n")
    assert not is_shown("a 12 ms\n…\nz", "b 12 ms\nz\n")


@pytest.mark.parametrize("path", sorted(set(DOCS.glob("*.md")) - {DOCS / "glossary.md"}), ids=lambda path: path.name)
def test_every_page_links_to_the_glossary(path: Path) -> None:
    assert re.search(r"\]\(glossary\.md(#[\w-]+)?\)", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}, target
