"""Names, fully qualified names (checking, quoting, joining, splitting), pointers and ids."""

from __future__ import annotations

import hashlib
import os
import re
import time
import unicodedata

from headwater.errors import InvalidInputError

MAX_NAME = 256
REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, halves of a pair


def check_name(name: str, pointer: str = "/name", *, of_part: bool = False) -> str:
    """Return the name in Unicode NFC.

    Args:
        of_part: It is a column's, say, which databases let consist of blanks.

    Raises:
        InvalidInputError: Nothing of it is seen, it is longer than 256 characters, or it has a
            control character.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInputError.at(
            pointer, f"a name has 1 to {MAX_NAME} characters, not {len(name)}"
        )
    if _is_blank(name) and not of_part:
        raise InvalidInputError.at(pointer, "a name cannot consist of blanks alone")
    if refused := REFUSED.search(name):
        raise InvalidInputError.at(pointer, f"a name cannot hold U+{ord(refused[0]):04X}")
    return name


def _is_blank(name: str) -> bool:
    """Whether nothing of it is seen: blanks, and what has no width, such as U+200B."""
    return name.isspace() or not (
        name.isascii() or any(each.isprintable() and not each.isspace() for each in name)
    )


def escape(part: object) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def quote(part: str) -> str:
    """Quote one part of an FQN when it holds a dot, a quote, or nothing."""
    if part and "." not in part and '"' not in part:
        return part
    return '"' + part.replace('"', '""') + '"'


def join(*parts: str) -> str:
    """Join names into an FQN: ``join("svc", "a.b")`` is ``svc."a.b"``."""
    return ".".join([quote(part) for part in parts])


def child(parent_fqn: str | None, name: str) -> str:
    """The FQN of a name below a parent's FQN; a root's when there is no parent."""
    return f"{parent_fqn}.{quote(name)}" if parent_fqn else quote(name)


def split(fqn: str) -> list[str]:
    """Split an FQN into its names.

    Raises:
        InvalidInputError: A quote is not closed, or text follows one.
    """
    parts: list[str] = []
    rest = fqn
    while True:
        part, rest = _take(rest, fqn)
        parts.append(part)
        if not rest:
            return parts
        rest = rest[1:]


def _take(text: str, fqn: str) -> tuple[str, str]:
    """The first name of the text, and the rest, which is empty or starts with a dot."""
    if not text.startswith('"'):
        end = text.find(".")
        return (text, "") if end < 0 else (text[:end], text[end:])
    at = 1
    while True:
        close = text.find('"', at)
        if close < 0:
            raise InvalidInputError(f"the quote in {fqn!r} is not closed", fqn=fqn)
        if text[close + 1 : close + 2] != '"':
            break
        at = close + 2
    rest = text[close + 1 :]
    if rest and not rest.startswith("."):
        raise InvalidInputError(f"text follows a closing quote in {fqn!r}", fqn=fqn)
    return text[1:close].replace('""', '"'), rest


def new_id() -> str:
    """A new UUID, ordered by time (version 7, RFC 9562): neighbours in time share index pages."""
    head = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    return _uuid(head + os.urandom(10), version=7)


def part_id(entity_id: str, label: str) -> str:
    """The UUID (version 8, RFC 9562) that a part of an entity has under a label, always the same.

    It starts as the entity's does, so that what is written together lies together.
    """
    digest = hashlib.sha256(f"{entity_id}:{label}".encode()).hexdigest()
    variant = "89ab"[int(digest[4], 16) & 3]
    head, tail = entity_id[:13], digest[5:20]
    return f"{head}-8{digest[1:4]}-{variant}{tail[:3]}-{tail[3:]}"


def _uuid(raw: bytes, *, version: int) -> str:
    number = int.from_bytes(raw, "big")
    number = number & ~(0xF << 76) | version << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
