"""What a failure looks like on the command line: one message, one exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from headwater.errors import (
    AccessError,
    AlreadyExistsError,
    ClientError,
    ConflictError,
    HeadwaterError,
    InvalidInputError,
    NotFoundError,
    SourceError,
    StoreError,
)

FAILED = 1
REACHED = 10
"""What ``--fail-on`` of an impact looks for is reached; no failure has this code."""

_CODES: tuple[tuple[type[HeadwaterError], int, str], ...] = (
    (InvalidInputError, 2, "the command or a value in it is wrong"),
    (NotFoundError, 3, "there is no such thing"),
    (ConflictError, 4, "it contradicts what is stored"),
    (ClientError, 5, "the server, the store or a source cannot be reached or understood"),
    (StoreError, 5, ""),
    (SourceError, 5, ""),
    (AccessError, 6, "the token may not do this, or there is none"),
)

EXIT_CODES = "\n".join(
    [
        "\b\nExit codes:",
        "  0 done",
        "  1 failed",
        *(f"  {code} {meaning}" for _, code, meaning in _CODES if meaning),
        f"  {REACHED} what --fail-on of an impact looks for is reached",
    ]
)
"""For the help text; the backspace keeps its lines apart."""


def exit_code(error: HeadwaterError) -> int:
    """The exit code that tells a script what kind of failure it was."""
    return next((code for cls, code, _ in _CODES if isinstance(error, cls)), FAILED)


@contextmanager
def told(*, holders: str = "", exists: str = "") -> Iterator[None]:
    """Say in a command's own words what settles a conflict.

    Args:
        holders: That another version is in the stage.
        exists: That the name is taken.
    """
    try:
        yield
    except ConflictError as error:
        message, settled = error.message, ""
        if "holders" in error.details:
            message, settled = message.partition(": with force")[0], holders
        elif isinstance(error, AlreadyExistsError) and not error.details.get("deleted"):
            message, settled = message.partition("; PUT")[0], exists
        if not settled:
            raise
        raise type(error)(f"{message}: {settled}", **error.details) from None


class CommandGroup(TyperGroup):
    """Commands whose errors end in a message on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; report what Headwater raises."""
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            typer.echo(f"headwater: {error.message}", err=True)
            raise typer.Exit(exit_code(error)) from error
