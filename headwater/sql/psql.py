"""What PostgreSQL's shell reads beside SQL: its own commands, and the rows behind a COPY."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARTS = re.compile(
    r"""
    (?P<kept>
        --.* | /\*[\s\S]*?\*/ | "[^"]*"
      | \bE'(?:[^'\\]+|\\[\s\S]|'')*' | '[^']*'
      | \$(?P<tag>(?:[a-z_]\w*)?)\$[\s\S]*?\$(?P=tag)\$
    )
    | (?P<copy>\bCOPY\b[^;]*?\bFROM\s+STDIN\b[^;]*;.*\n)(?P<rows>[\s\S]*?^\\\.[ \t\r]*$)
    | \\COPY\b.*\bFROM\s+STDIN\b.*\n[\s\S]*?^\\\.[ \t\r]*$
    | \\(?P<between>[;\\])
    | \\(?P<name>[a-z!?][^\s\\]*)(?P<argument>(?:(?!\\\\).)*)
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_ENDING = re.compile(r"g(?:x|set|desc|exec)?|watch|crosstabview|bind")
"""Commands before which a statement ends without a semicolon."""
_RUNNING = ("i", "ir", "include", "include_relative", "gexec")
_CONNECTING = ("c", "connect")


def without_commands(text: str) -> str:
    """Return a text with blanks in place of what is no SQL, so that lines stay."""
    return _PARTS.sub(_sql, text)


def commands(text: str) -> Iterator[tuple[int, str, bool]]:
    """The commands of a text that run other SQL, or connect to another database.

    Yields:
        Their line, counted from 1; themselves; whether they run something.
    """
    for found in _PARTS.finditer(text):
        name, argument = found["name"], (found["argument"] or "").strip()
        connects = name in _CONNECTING and argument not in ("", "-")
        if name in _RUNNING or connects:
            line = text.count("\n", 0, found.start()) + 1
            yield line, "\\connect " + argument if connects else f"\\{name}", not connects


def _sql(found: re.Match[str]) -> str:
    if found["kept"] is not None:
        return found[0]
    if found["copy"]:
        return found["copy"] + _blank(found["rows"])
    ends = found["between"] == ";" or _ENDING.fullmatch(found["name"] or "") is not None
    return ";" * ends + _blank(found[0][ends:])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
