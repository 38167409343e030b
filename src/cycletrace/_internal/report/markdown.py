"""The renderer for Markdown, as pull requests and summaries of CI jobs show it.

Names are code spans: nothing in them is markup, and nobody is mentioned.
Source: the GitHub Flavored Markdown specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from cycletrace._internal.report.document import (
    Axis,
    Block,
    Content,
    Document,
    Link,
    Name,
    Note,
    Paragraph,
    Picture,
    Section,
    Spark,
    Strip,
    Table,
    Tone,
    Value,
    numeric_columns,
    parts,
)
from cycletrace._internal.report.format import to_text

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BAR = 10
"""The width of a bar from 0 to 1, in characters."""


def render(document: Document) -> str:
    """Return a document as Markdown. All but its first section can be unfolded."""
    first, *others = document
    lines = [*_section(first, "##")]
    if others:
        lines += ["<details>", "<summary>More</summary>", ""]
        lines += [line for section in others for line in _section(section, "###")]
        lines.append("</details>")
    return "\n".join(lines).strip() + "\n"


def _section(section: Section, level: str) -> Iterator[str]:
    yield f"{level} {_text(section.title)}"
    yield ""
    about = _text(section.about)
    if about:
        yield f"*{about}*"
        yield ""
    before: Block | None = None
    for block in section.blocks:
        if before is not None and not (isinstance(block, Note) and isinstance(before, Note)):
            yield ""
        yield from _block(block)
        before = block
    yield ""


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(content):
            yield _text(content)
        case Note(content):
            yield f"- {_text(content)}"
        case Link(content, url):
            yield f"[{_text(content)}](<{url}>)"
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    """Return the lines of a table; pictures that share a scale are left out, since nothing could be read off them."""
    numeric = numeric_columns(table)
    shown = [place for place, column in enumerate(table.columns) if not isinstance(column.title, Axis)]
    yield _row([_escaped(str(table.columns[place].title)) for place in shown])
    yield _row(["---:" if numeric[place] else ":---" for place in shown])
    for cells in table.rows:
        yield _row([_text(cells[place]) for place in shown])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(content: Content) -> str:
    """Return a content on one line; what stands out is bold."""
    texts = []
    for is_strong, group in groupby(parts(content), lambda part: part[1] in {Tone.STRONG, Tone.BAD}):
        text = "".join(_part(value) for value, _ in group)
        core = text.strip()
        texts.append(text.replace(core, f"**{core}**") if is_strong and core else text)
    return "".join(texts)


def _part(value: Value | Picture) -> str:
    match value:
        case Strip(spans):
            return "█" * round(sum(end - begin for begin, end in spans) * _BAR)
        case Spark(counts):
            most = max(counts, default=0)
            return "".join(_EIGHTHS[-(-count * 8 // most)] if most else " " for count in counts)
        case Name():
            return _code(to_text(value))
        case _:
            return _escaped(to_text(value))


def _code(text: str) -> str:
    """Return a code span. A fence is longer than any run of backticks in it; a bar would end a cell of a table."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text.strip()}{padding}{fence}".replace("|", "\\|")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
