"""Names of versions with placeholders, ``run-{run.id[:8]}``: a closed grammar, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from headwater.errors import InvalidInputError

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACEHOLDER = re.compile(r"([a-z][a-z.]*)(?:\[(\d*):(\d*)\])?")


def render(template: str, run: Mapping[str, str] | None = None) -> str:
    """Fill in a template.

    ``{date}`` and ``{time}`` are UTC's, ``{run.id}`` and ``{run.name}`` the run's; each may be cut,
    as in ``{run.id[:8]}``. ``{{`` and ``}}`` are braces. What comes out is always a name: digits
    alone would be a number, and have a ``v`` in front.

    Args:
        template: The text.
        run: ``id`` and ``name`` of the run, inside of one.

    Raises:
        InvalidInputError: A placeholder is not known, or asks for a run where there is none; or
            nothing comes out.
    """
    now = datetime.now(UTC)
    known = {"date": f"{now:%Y_%m_%d}", "time": f"{now:%H_%M_%S_%f}"}
    if run is not None:
        known |= {"run.id": random_first(run["id"]), "run.name": run["name"]}

    def fill(token: re.Match[str]) -> str:
        if token[0] in ("{{", "}}"):
            return token[0][0]
        placeholder = None if token[1] is None else _PLACEHOLDER.fullmatch(token[1])
        if placeholder is None or placeholder[1] not in known:
            raise InvalidInputError(_refusal(template, token[0], placeholder, known))
        start, end = placeholder[2], placeholder[3]
        return known[placeholder[1]][int(start or 0) : int(end) if end else None]

    text = _TOKEN.sub(fill, template)
    if not text:
        raise InvalidInputError(f"the name {template!r} comes out empty")
    return f"v{text}" if text.isdigit() and text != template else text


def random_first(run_id: str) -> str:
    """A run's id with its random end in front.

    Ids begin with the time, so that the first digits of those of one minute are the same, and
    names made of these would be one name.
    """
    return "-".join(reversed(run_id.split("-")))


def _refusal(
    template: str, token: str, placeholder: re.Match[str] | None, known: Mapping[str, str]
) -> str:
    if placeholder is not None and placeholder[1] in ("run.id", "run.name"):
        return f"{token} in {template!r} is a run's, and there is no run here"
    names = ", ".join(f"{{{name}}}" for name in known)
    return f"{token} in {template!r} is no placeholder; there are {names}, each may be cut: [:8]"
