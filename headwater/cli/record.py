"""``headwater record`` and ``records``, ``follow`` and ``unfollow``."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

import typer

from headwater.cli.option import Format, Output, Store, Url, connect, entity_and
from headwater.cli.output import print_data, print_table, print_text, summary
from headwater.errors import InvalidInputError

_OR = "Or KIND:NAME in place of both."


def record(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME TYPE FIELD=VALUE...", help=_OR)],
    key: Annotated[str, typer.Option(help="What it is a record of, of several.")] = "",
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Append records to an entity; they make no version of it.

    Of the type metric each pair is a record of its own, which has a number. Of another type all
    pairs make one; values are read as JSON where they are such.

    Example:
      headwater record modelVersion headwater.churn.3 metric auc=0.93 f1=0.88
      headwater record table:shop.main.raw.customers usage queries=12 --key daily
    """
    at = len(words)
    while at and "=" in words[at - 1]:
        at -= 1
    name, kind, type_ = entity_and(words[:at], "a type and values: KIND NAME TYPE FIELD=VALUE")
    pairs = dict(pair(each) for each in words[at:])
    if not pairs:
        raise InvalidInputError("say what to record: FIELD=VALUE, such as auc=0.93")
    if type_ == "metric":
        if key:
            raise InvalidInputError("of metrics, what stands before = is the key; leave --key out")
        records = [{"key": n, "data": {"value": _number(n, v)}} for n, v in pairs.items()]
    else:
        records = [{"key": key, "data": {n: value_of(v) for n, v in pairs.items()}}]
    with connect(url, store) as hw:
        made = hw.add_records(name, type_, records, kind=kind)
    _print(made, output)


def records(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME TYPE", help=_OR)],
    key: Annotated[str | None, typer.Option(help="Only those of this key.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only the newest of each key.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="The most to show; 0 shows all.")] = 100,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List an entity's records of one type, the newest first.

    Example:
      headwater records modelVersion headwater.churn.3 metric --latest
    """
    name, kind, type_ = entity_and(words, "a type, such as metric: KIND NAME TYPE")
    with connect(url, store) as hw:
        found = hw.records(name, type_, kind=kind, key=key, latest=latest, limit=limit or None)
        _print(list(found), output)


def follow(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME USER", help=_OR)],
    url: Url = None,
    store: Store = None,
) -> None:
    """Let a user follow an entity.

    Example:
      headwater follow mlmodel headwater.churn anna
    """
    name, kind, user = entity_and(words, "who follows: KIND NAME USER")
    with connect(url, store) as hw:
        hw.follow(name, user, kind=kind)
    print_text(f"{user} follows {name}")


def unfollow(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME USER", help=_OR)],
    url: Url = None,
    store: Store = None,
) -> None:
    """Let a user no longer follow an entity.

    Example:
      headwater unfollow mlmodel headwater.churn anna
    """
    name, kind, user = entity_and(words, "who no longer follows: KIND NAME USER")
    with connect(url, store) as hw:
        hw.unfollow(name, user, kind=kind)
    print_text(f"{user} no longer follows {name}")


def _print(found: list[dict[str, Any]], output: Format) -> None:
    if output is not Format.table:
        print_data(found, output)
        return
    rows = [
        [
            summary("updatedAt", each["at"]),
            each.get("key", ""),
            ", ".join(f"{name}={_text(value)}" for name, value in each["data"].items()),
            each["recordedBy"],
        ]
        for each in found
    ]
    print_table(["at", "key", "data", "by"], rows)


def pair(text: str) -> tuple[str, str]:
    """What stands before and after the first ``=``.

    Raises:
        InvalidInputError: Nothing stands before it, or it is not there.
    """
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise InvalidInputError(f"{text!r} is no NAME=VALUE, as auc=0.93 is")
    return name, value


def _number(name: str, text: str) -> float:
    value = value_of(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInputError(f"a metric is a number: {name}={text} is not")
    return value


def value_of(text: str) -> Any:
    """A value as it is typed: as JSON where it is such, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
