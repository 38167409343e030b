"""The frame of a page on the board: its filters above, its style and its script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from cycletrace._internal.board.selection import NAMED, TRIGGER_FILTERS, Selection
from cycletrace._internal.report.document import Name
from cycletrace._internal.report.format import to_text
from cycletrace._internal.report.html import lay_out
from cycletrace._internal.report.page import Page

WINDOWS = ("30d", "90d", "6m", "1y", "all")
"""Windows that the form suggests."""
_ASSETS = (
    '<link rel="stylesheet" href="/assets/page.css"><link rel="stylesheet" href="/assets/board.css">'
    '<script src="/assets/page.js" defer></script>'
)
_LIVE = '<script src="/assets/board.js" defer></script>'
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")


def in_frame(page: Page, selection: Selection, names: Mapping[str, list[str]], version: str | None) -> bytes:
    """Return a page as HTML with its filters.

    Args:
        page: What to show.
        selection: What the filters are set to.
        names: The names that can be chosen, by filter.
        version: What identifies this state of the page, which the script replaces when there is another; ``None``
            where there is nothing to wait for.
    """
    head = _ASSETS
    if version is not None:
        head += f'<meta name="version" content="{escape(version)}">{_LIVE}'
    above = f'<header class="board">{_form(selection, names)}<p id="live" role="status"></p></header>'
    html = lay_out(page, head, above)
    return html.encode(errors="backslashreplace")


def _form(selection: Selection, names: Mapping[str, list[str]]) -> str:
    if selection.cycle is not None:
        back = selection._replace(cycle=None).query()
        return f'<nav aria-label="Board"><a href="/{escape(back)}">All cycles</a></nav>'
    fields: list[str] = []
    for name, word in NAMED.items():
        choices = [("", f"all {word}s"), *((each, to_text(Name(each))) for each in names.get(name, ()))]
        fields.append(_choice(name, word.capitalize(), choices, getattr(selection, name) or ""))
    fields.append(_choice("trigger", "Trigger", [(each, each) for each in TRIGGER_FILTERS], selection.trigger))
    fields.append(_text("window", "Window", selection.window, WINDOWS))
    fields.append(_text("cycle", "One cycle", "", ()))
    kept = {"timezone": selection.timezone, "target": selection.target}
    fields += [
        f'<input type="hidden" name="{name}" value="{_attribute(text)}">'
        for name, text in kept.items()
        if text and text != Selection._field_defaults[name]
    ]
    return f'<form method="get" action="/" aria-label="Filters">{"".join(fields)}<button>Show</button></form>'


def _choice(name: str, title: str, choices: Iterable[tuple[str, str]], chosen: str) -> str:
    options = "".join(
        f'<option value="{_attribute(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in choices
    )
    return f'<label>{title} <select name="{name}">{options}</select></label>'


def _text(name: str, title: str, value: str, suggested: Iterable[str]) -> str:
    options = "".join(f'<option value="{each}"></option>' for each in suggested)
    listed, of = (f'<datalist id="{name}s">{options}</datalist>', f' list="{name}s"') if options else ("", "")
    return f'<label>{title} <input name="{name}" value="{_attribute(value)}" size="12"{of}></label>{listed}'


def _attribute(text: str) -> str:
    """Return a value that a form sends back unchanged; without escape codes, which a terminal would obey."""
    return _CONTROL.sub(lambda found: f"&#{ord(found[0])};", escape(text))
