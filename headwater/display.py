"""Small HTML for notebooks, without scripts. What others wrote is escaped, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

_LONGEST = 300  # characters of one value
_MOST = 20  # elements of one list
_LEFT = ' style="text-align:left;vertical-align:top"'
_NOT_SHOWN = {"id", "name", "fullyQualifiedName", "version", "changeDescription"}


def drawing(text: str) -> str:
    """Text whose lines and columns stay where they are."""
    return f'<pre style="line-height:1.2">{escape(text)}</pre>'


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with a line above it."""
    cells = "".join(f"<th{_LEFT}>{escape(column)}</th>" for column in columns)
    head = f"<thead><tr>{cells}</tr></thead>" if columns else ""
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{value(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    return f"<div><p>{escape(caption)}</p><table>{head}<tbody>{body}</tbody></table></div>"


def document(title: str, fields: Mapping[str, Any]) -> str:
    """A document's fields below each other, under what it is called."""
    called = fields.get("fullyQualifiedName") or fields.get("name") or ""
    caption = " ".join(str(each) for each in (title, called, fields.get("version", "")) if each)
    return table(caption, (), [(n, _timed(n, v)) for n, v in fields.items() if n not in _NOT_SHOWN])


def value(of: Any) -> str:
    """A value in a cell: a reference by its name, the elements of a list a line each."""
    if isinstance(of, list):
        more = [f"… and {len(of) - _MOST} more"] if len(of) > _MOST else []
        return "<br>".join([*(value(each) for each in of[:_MOST]), *more])
    return escape(_short(of if isinstance(of, str) else _plain(of)))


def _plain(of: Any) -> str:
    if isinstance(of, dict):
        if "type" in of and "fullyQualifiedName" in of:
            return str(of["fullyQualifiedName"])
        if "name" in of:
            kinds = [str(of[key]) for key in ("dataType", "value") if key in of]
            return " ".join([str(of["name"]), *kinds])
    return json.dumps(of, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _timed(name: str, of: Any) -> Any:
    if name == "updatedAt" and isinstance(of, int):
        return moment(of)
    return of


def moment(at: int) -> str:
    """A time in milliseconds since the epoch, for people."""
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
