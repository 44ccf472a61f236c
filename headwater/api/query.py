"""Query parameters and the conditional headers: read strictly, refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import Scope

from headwater.api.errors import malformed
from headwater.store.base import Store
from headwater.store.moment import AtVersion, Moment
from headwater.version import Version

MAX_LIMIT = 1000
MAX_NUMBER = 2**53 - 1  # what every JSON reader keeps exact; also fits both stores

_VERSION = "version:"
_DAY = 86_400_000
_DATE = re.compile(r"[0-9W-]+")
_LOST = re.compile(r":[0-9.]+ [0-9]{2}:?[0-9]{2}$")
_ETAG = re.compile(r'(?:W/)?"([^"]*)"')


class Query:
    """The query parameters of one request.

    Attributes:
        known: Names of those that the resource takes.

    Args:
        scope: Of the request.
        known: Names of the parameters that the resource takes.
        repeated: Names of those that may be given more than once.

    Raises:
        RequestError: Status 400: one that is not known, one given twice, or not UTF-8.
    """

    __slots__ = ("_repeated", "_values", "known")

    def __init__(
        self, scope: Scope, known: Collection[str] = (), repeated: Collection[str] = ()
    ) -> None:
        self.known = (*known, *repeated)
        self._values: dict[str, str] = {}
        self._repeated: dict[str, list[str]] = {}
        if raw := scope["query_string"]:
            self._parse(raw, known, repeated)

    def text(self, name: str) -> str | None:
        """The parameter as it was given, or None."""
        return self._values.get(name)

    def texts(self, name: str, *, most: int = 100) -> list[str]:
        """Every value of a parameter that may be repeated, up to so many."""
        values = self._repeated.get(name, [])
        if len(values) > most:
            raise malformed(f"{name} is given at most {most} times, not {len(values)}")
        return values

    def needed(self, name: str) -> str:
        """The parameter, which must be given."""
        value = self._values.get(name)
        if not value:
            raise malformed(f"the query parameter {name!r} is needed")
        return value

    def number(self, name: str, default: int, *, low: int = 0, high: int = MAX_NUMBER) -> int:
        """A whole number between two bounds, both included."""
        text = self._values.get(name)
        if text is None:
            return default
        return whole_number(name, text, low=low, high=high)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """``true`` or ``false``, or the default when it is not given."""
        return self.choice(name, ("true", "false") if default else ("false", "true")) == "true"

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """One of the options; the first when it is not given."""
        return self.option(name, options) or options[0]

    def option(self, name: str, options: tuple[str, ...]) -> str | None:
        """One of the options, or None when it is not given."""
        value = self._values.get(name)
        if value is not None and value not in options:
            raise malformed(f"{name} is {' or '.join(options)}, not {value[:40]!r}")
        return value

    def moment(self, store: Store, name: str = "asOf") -> Moment | None:
        """The moment that a parameter names: a sequence number, a time, or ``version:0.3``.

        A time is ISO 8601; without an offset it is UTC.
        """
        text = self._values.get(name)
        if text is None:
            return None
        if text.startswith(_VERSION):
            return AtVersion(str(Version.parse(text.removeprefix(_VERSION))))
        if text.isascii() and text.isdigit():
            return self.number(name, 0)
        return store.sequence(_instant(name, text, f"a sequence number, {_VERSION}0.3, or"))

    def time(self, name: str, *, whole_day: bool = False) -> int | None:
        """A time in milliseconds since the epoch, or in ISO 8601; None if not given.

        Args:
            whole_day: A date alone means the end of that day, in place of its beginning.
        """
        text = self._values.get(name)
        if text is None or (text.isascii() and text.isdigit()):
            return None if text is None else self.number(name, 0)
        at = _instant(name, text, "milliseconds since the epoch or")
        return at + _DAY - 1 if whole_day and _DATE.fullmatch(text) else at

    def sequence(self, store: Store, name: str = "asOf") -> int | None:
        """As ``moment``, where no one entity is asked about that could have a version."""
        found = self.moment(store, name)
        if isinstance(found, AtVersion):
            raise malformed(
                f"{name} is a sequence number or a time here: it is about more than one entity, and"
                " each has versions of its own"
            )
        return found

    def _parse(self, raw: bytes, known: Collection[str], repeated: Collection[str]) -> None:
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:  # UnicodeDecodeError is one
            raise malformed("the query is not percent-encoded UTF-8") from None
        for name, value in pairs:
            if name in repeated:
                self._repeated.setdefault(name, []).append(value)
                continue
            if name not in known:
                names = ", ".join((*known, *repeated)) or "none"
                raise malformed(f"there is no query parameter {name!r} here; it takes {names}")
            if name in self._values:
                raise malformed(f"the query parameter {name!r} is given twice")
            self._values[name] = value


def _instant(name: str, text: str, else_: str) -> int:
    """Read an ISO 8601 time; without an offset it is UTC. Milliseconds since the epoch."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        # In an address a + is a blank.
        lost = " (a + of an offset is spelled %2B in an address)" if _LOST.search(text) else ""
        raise malformed(
            f"{name} is {else_} an ISO 8601 time such as 2026-05-03T12:00:00Z, not {text[:60]!r}"
            + lost
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def whole_number(name: str, text: str, *, low: int = 0, high: int = MAX_NUMBER) -> int:
    """Read a whole number between two bounds, both included.

    Raises:
        RequestError: Status 400: it is not one; the message begins with the name.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        raise malformed(f"{name} is a whole number, not {text[:40]!r}")
    if not low <= int(text) <= high:
        raise malformed(f"{name} is {low} to {high}, not {text}")
    return int(text)


def if_match(headers: Headers) -> int | None:
    """The rev that ``If-Match`` names, or None when there is no such header.

    Raises:
        RequestError: Status 400: it is not one strong ``ETag`` of an entity.
    """
    text = headers.get("if-match")
    if text is None:
        return None
    rev = text.strip().removeprefix('"').removesuffix('"')
    if text.strip() != f'"{rev}"' or not (rev.isascii() and rev.isdigit()) or len(rev) > 16:
        raise malformed(f'If-Match is one ETag as an entity answers it, such as "3", not {text!r}')
    return int(rev)


def is_held(headers: Headers, rev: int) -> bool:
    """Whether ``If-None-Match`` says that the client holds this state already."""
    text = headers.get("if-none-match")
    if text is None:
        return False
    return text.strip() == "*" or str(rev) in _ETAG.findall(text)
