"""Printing results: for people, as JSON, as YAML. Pipes get neither colours nor cut lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from headwater.cli.option import Format
from headwater.document import Document
from headwater.sdk.address import kind_of

_NO_WIDTH_LIMIT = 100_000


def as_item(entity: Document) -> dict[str, Any]:
    """An entity as ``apply`` reads it back: its kind, then its fields."""
    return {"kind": kind_of(type(entity)).name, **entity.to_wire()}


def print_data(data: Any, form: Format) -> None:
    """Print JSON-able data as JSON or YAML."""
    if form is Format.json:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        from headwater.cli.yaml_text import dump

        typer.echo(dump(data), nl=False)


def print_text(text: str) -> None:
    """Print text that may hold what others wrote: nothing in it moves the cursor."""
    typer.echo(_harmless(text))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows; a terminal folds long cells, a pipe gets them whole."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_harmless(cell)) for cell in row))
    if terminal:
        Console().print(table)
        return
    console = Console(width=_NO_WIDTH_LIMIT, color_system=None)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())


def print_entity(entity: Document, form: Format) -> None:
    """Print one entity: its fields below each other, or as data."""
    if form is not Format.table:
        return print_data(as_item(entity), form)
    fields = as_item(entity)
    rows = [(n, summary(n, v)) for n, v in fields.items() if n != "changeDescription"]
    print_table(["", ""], rows)
    return None


def print_done(word: str, entity: Document, form: Format) -> None:
    """Print what became of an entity in a line, or the entity as data."""
    item = as_item(entity)
    if form is Format.table:
        print_text(f"{word} {item['kind']} {item['fullyQualifiedName']} {item['version']}")
    else:
        print_data(item, form)


def summary(name: str, value: Any) -> str:
    """A value as one cell: references by their FQN, elements of lists a line each."""
    if name == "updatedAt" and isinstance(value, int):
        moment = datetime.fromtimestamp(value / 1000, tz=UTC)
        return moment.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(summary("", each) for each in value)
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if "name" in value and "type" not in value:
        plain = [f"{v}" for n, v in value.items() if n in ("dataType", "value")]
        inner = [each["name"] for each in value.get("featureSources", [])]
        return " ".join([value["name"], *plain, *(["from", ", ".join(inner)] if inner else [])])
    if "fullyQualifiedName" in value:
        return str(value["fullyQualifiedName"])
    return ", ".join(f"{n}: {summary(n, v)}" for n, v in value.items())


def _harmless(text: str) -> str:
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
