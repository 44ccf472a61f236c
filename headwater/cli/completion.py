"""``headwater completion``: what a shell reads to complete commands and options."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

_VARIABLE = "_HEADWATER_COMPLETE"


class Shell(StrEnum):
    """Shells that complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script that lets a shell complete commands and options.

    Example:
      headwater completion bash >> ~/.bashrc
      headwater completion zsh > ~/.zfunc/_headwater
      headwater completion fish > ~/.config/fish/completions/headwater.fish
    """
    # typer has both for its own option, and does not say that they are there
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(prog_name="headwater", complete_var=_VARIABLE, shell=shell.value)
    typer.echo(script)


def answer_shells() -> None:
    """Get ready for a shell that asks, by the environment, what a line may go on with."""
    if _VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # as above

        completion_init()
