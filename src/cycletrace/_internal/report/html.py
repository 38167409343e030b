"""The renderer for HTML: one file that needs no network and no other file, or a page of a server.

Names are text: nothing in them is markup. The policy in the file lets nothing load and nothing run but its one style
sheet and its one script, which only sorts tables; it names both by their hashes. Source: W3C, "Content Security Policy
Level 3".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from cycletrace._internal.report.charts import svg
from cycletrace._internal.report.charts.chart import SHAPES, Dot, Figure, style_of
from cycletrace._internal.report.charts.cycle import EXPLANATION
from cycletrace._internal.report.document import (
    Axis,
    Block,
    Content,
    Count,
    Document,
    Duration,
    Link,
    Name,
    Note,
    Paragraph,
    Percent,
    Picture,
    Rate,
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
from cycletrace._internal.report.page import Card, Page, Part
from cycletrace._version import __version__
from cycletrace.conventions import ACTIVITIES, UNEXPLAINED

_TAGS = {Tone.STRONG: "strong", Tone.BAD: "strong", Tone.QUIET: "small"}


def render(page: Page) -> str:
    """Return a page as the text of an HTML file."""
    style, code = stylesheet(), script()
    allowed = f"style-src {_hash(style)}; script-src {_hash(code)}; img-src data:"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style><script>{code}</script>'
    )
    return lay_out(page, head)


def stylesheet() -> str:
    """Return the style sheet of every page."""
    return _file("page.css")


def script() -> str:
    """Return the script of every page, which sorts tables."""
    return _file("page.js")


def _file(name: str) -> str:
    return files("cycletrace._internal.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def lay_out(page: Page, head: str, above: str = "") -> str:
    """Return a page as HTML. ``head`` is HTML that loads the style, ``above`` HTML that comes before the contents."""
    title = escape("".join(to_text(value) for value, _ in parts(page.title) if not isinstance(value, Strip | Spark)))
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        head,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
        f'<link rel="icon" href="data:,"><title>{title} · cycletrace</title></head>',
        "<body>",
        svg.DEFINITIONS,
        '<a class="skip" href="#main">Skip to the report</a>',
        *([above] if above else []),
        *_contents(page),
        '<main id="main">',
    ]
    for place, part in enumerate(page.parts):
        lines += _part(part, 1 if place == 0 else 2)
    if page.cycles:
        lines.append('<section id="cycles"><h2>Cycles, one by one</h2>')
        lines.append(f'<p class="about">{EXPLANATION}</p>')
        lines.append(_keys((style_of(activity), activity) for activity in ACTIVITIES if activity != UNEXPLAINED))
        for part in page.cycles:
            lines += _folded(part)
        lines.append("</section>")
    lines += ["</main>", f"<footer>Made by cycletrace {escape(__version__)}</footer>", "</body></html>"]
    return "\n".join(lines) + "\n"


def in_frame(html: str) -> str:
    """Return a whole page as an element of another page, such as a notebook, which the page in it cannot reach."""
    frame = '<iframe title="cycletrace report" width="100%" height="900" sandbox="allow-scripts"'
    return f'{frame} srcdoc="{escape(html)}"></iframe>'


def _contents(page: Page) -> Iterator[str]:
    anchors = [(part.anchor, _text(part.title)) for part in page.parts[1:]]
    if page.cycles:
        anchors.append(("cycles", "Cycles"))
    if anchors:
        links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in anchors)
        yield f'<nav aria-label="Sections"><ul>{links}</ul></nav>'


def _part(part: Part, level: int) -> Iterator[str]:
    yield f'<section id="{part.anchor}"><h{level}>{_text(part.title)}</h{level}>'
    if part.about:
        yield f'<p class="about">{_text(part.about)}</p>'
    if part.cards:
        yield f'<div class="cards">{"".join(map(_card, part.cards))}</div>'
    yield from (line for figure in part.figures for line in _figure(figure))
    yield from _sections(part.sections, level + 1)
    yield "</section>"


def _folded(part: Part) -> Iterator[str]:
    yield f"<details><summary>{_text(part.title)} <small>{_text(part.about)}</small></summary>"
    yield f'<div class="folded" id="{part.anchor}">'
    for figure in part.figures:
        yield svg.render(figure.chart)  # its key and caption stand above all cycles
        yield _table(figure.data, figure.chart.title)
    yield from _sections(part.sections, 3)
    yield "</div></details>"


def _card(card: Card) -> str:
    return (
        f'<div class="card"><p class="what">{_text(card.title)}</p><p class="value">{_text(card.value)}</p>'
        f'<p class="about">{_text(card.about)}</p></div>'
    )


def _figure(figure: Figure) -> Iterator[str]:
    name = figure.name
    yield f'<figure id="{name}"><p class="heading">{escape(figure.chart.title)}</p>'
    yield _keys(figure.key)
    if any(isinstance(mark, Dot) and mark.target for mark in figure.chart.marks):
        yield f'<a class="skip" href="#{name}-data">Skip the points</a>'
    yield svg.render(figure.chart)
    if figure.caption:
        yield f"<figcaption>{_text(figure.caption)}</figcaption>"
    yield f'<details class="data" id="{name}-data"><summary>Data of this chart</summary>'
    yield _table(figure.data, f"Data: {figure.chart.title}")
    yield "</details></figure>"


def _keys(key: Iterable[tuple[str, str]]) -> str:
    pieces = "".join(_key(style, meaning) for style, meaning in key)
    return f'<p class="key">{pieces}</p>' if pieces else ""


def _key(style: str, meaning: str) -> str:
    hatched = '<rect class="hatched" width="14" height="14"/>' if "-wait" in style else ""
    swatch = f'<rect class="{style}" width="14" height="14"/>{hatched}'
    if style in SHAPES:
        swatch = f'<use href="#{SHAPES[style]}" class="{style}" x="7" y="8"/>'
    return f'<span><svg width="14" height="14" aria-hidden="true">{swatch}</svg> {escape(meaning)}</span>'


def _sections(document: Document, level: int) -> Iterator[str]:
    for section in document:
        if section.title:
            about = f" <small>{_text(section.about)}</small>" if section.about else ""
            yield f"<h{level}>{_text(section.title)}{about}</h{level}>"
        yield from _blocks(section)


def _blocks(section: Section) -> Iterator[str]:
    before: Block | None = None
    for block in section.blocks:
        if isinstance(before, Note) and not isinstance(block, Note):
            yield "</ul>"
        match block:
            case Paragraph(content):
                yield f"<p>{_text(content)}</p>"
            case Note(content):
                if not isinstance(before, Note):
                    yield '<ul class="notes">'
                yield f"<li>{_text(content)}</li>"
            case Link(content, url):
                yield f'<p><a href="{escape(url)}">{_text(content)}</a></p>'
            case Table():
                yield _table(block, _plain(section.title) or "Figures")
        before = block
    if isinstance(before, Note):
        yield "</ul>"


def _table(table: Table, label: str) -> str:
    """Return a table in a box that can be scrolled, also by keyboard."""
    numeric = numeric_columns(table)
    shown = [place for place, column in enumerate(table.columns) if not isinstance(column.title, Axis)]
    head = ""
    if any(table.columns[place].title for place in shown):
        cells = (_head(table, place, is_number=numeric[place]) for place in shown)
        head = f"<thead><tr>{''.join(cells)}</tr></thead>"
    body = "".join(
        f"<tr>{''.join(_cell(table, row, place, is_number=numeric[place]) for place in shown)}</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table>{head}<tbody>{body}</tbody></table></div>"
    )


def _head(table: Table, place: int, *, is_number: bool) -> str:
    title = escape(str(table.columns[place].title))
    of = ' class="number"' if is_number else ""
    if title and table.is_sortable and table.columns[place].tone is not Tone.QUIET:
        title = f'<button type="button">{title}</button>'
    return f'<th scope="col"{of}>{title}</th>' if title else "<td></td>"


def _cell(table: Table, row: Sequence[Content], place: int, *, is_number: bool) -> str:
    text = _text(row[place])
    of = ' class="number"' if is_number else ""
    if table.is_sortable and is_number:
        of += f' data-value="{_magnitude(row[place])}"'
    is_quiet = table.columns[place].tone is Tone.QUIET
    return f"<td{of}><small>{text}</small></td>" if is_quiet else f"<td{of}>{text}</td>"


def _magnitude(content: Content) -> str:
    """Return the first number of a cell, to sort by; empty if it is unknown or there is none."""
    for value, _ in parts(content):
        match value:
            case Duration(number, _) | Percent(number, _) | Count(number, _) | Rate(number):
                return "" if number is None else str(number)
            case _:
                continue
    return ""


def _plain(content: Content) -> str:
    return "".join(to_text(value) for value, _ in parts(content) if not isinstance(value, Strip | Spark))


def _text(content: Content) -> str:
    pieces = []
    for value, tone in parts(content):
        text, tag = _value(value), _TAGS.get(tone)
        pieces.append(f"<{tag}>{text}</{tag}>" if tag and text else text)
    return "".join(pieces)


def _value(value: Value | Picture) -> str:
    match value:
        case Strip(spans):
            bars = "".join(
                f'<rect class="bar" x="{begin * 100:.3g}%" width="{(end - begin) * 100:.3g}%" height="10"/>'
                for begin, end in spans
            )
            return f'<svg class="strip" height="10" aria-hidden="true">{bars}</svg>'
        case Spark(counts):
            return _spark(counts)
        case Name(_, _, depth, anchor):
            indent = f'<span class="indent-{min(depth, 4)}"></span>' if depth else ""
            name = f'<bdi class="name">{escape(to_text(value).strip())}</bdi>'
            return indent + (name if anchor is None else f'<a href="#{anchor}">{name}</a>')
        case Duration() | Percent():
            return escape(to_text(value).replace(" ", "\u00a0"))
        case _:
            return escape(to_text(value))


def _spark(counts: tuple[int, ...]) -> str:
    most = max(counts, default=0) or 1
    bars = "".join(
        f'<rect class="bar" x="{place * 6}" y="{24 - 24 * n / most:.3g}" width="4" height="{24 * n / most:.3g}"/>'
        for place, n in enumerate(counts)
    )
    label = ", ".join(map(str, counts))
    return f'<svg class="spark" width="{len(counts) * 6}" height="24" role="img" aria-label="{label}">{bars}</svg>'
