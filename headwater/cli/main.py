"""The command ``headwater``: its groups of commands, and ``--version``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated

import typer

from headwater.cli.apply import apply
from headwater.cli.archive import backup, copy, export, import_, migrate
from headwater.cli.completion import answer_shells, completion
from headwater.cli.doctor import doctor
from headwater.cli.entity import delete, get, list_, restore
from headwater.cli.event import events
from headwater.cli.failure import EXIT_CODES, CommandGroup
from headwater.cli.history import release, rename, revert
from headwater.cli.impact import impact, models
from headwater.cli.ingest import ingest
from headwater.cli.lineage import cycles, lineage, link, path, roots
from headwater.cli.migrate import mlflow
from headwater.cli.model import MODEL_COMMANDS, model
from headwater.cli.model_registry import PAIRED, REGISTRY_COMMANDS, PairCommand, model_registry
from headwater.cli.model_registry import models as registered
from headwater.cli.model_version import alias, stage
from headwater.cli.model_version_group import VERSION_COMMANDS, version
from headwater.cli.record import follow, record, records, unfollow
from headwater.cli.resume import resume
from headwater.cli.search import search
from headwater.cli.serve import serve
from headwater.cli.token import TOKEN_COMMANDS, token
from headwater.cli.version import diff, versions
from headwater.version import __version__

app = typer.Typer(
    name="headwater",
    cls=CommandGroup,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _help(command: Callable[..., None]) -> str:
    # Click keeps the lines of a paragraph apart that starts with a backspace.
    return cleandoc(command.__doc__ or "").replace("\nExample:", "\n\b\nExample:")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"headwater {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Know where every model's data comes from.

    Example:
      headwater serve --store sqlite:///headwater.db
      headwater apply -f models.yaml
      headwater lineage mlmodel:headwater.churn
    """


def _add(group: typer.Typer, *commands: Callable[..., None]) -> None:
    for command in commands:
        name = command.__name__.rstrip("_").replace("_", "-")
        cls = PairCommand if command in PAIRED else None
        group.command(name, cls=cls, help=_help(command))(command)


def _group(
    within: typer.Typer, about: Callable[[], None], *commands: Callable[..., None]
) -> typer.Typer:
    """Add a group of commands that is called as what documents it."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    _add(group, *commands)
    within.add_typer(group, name=about.__name__.replace("_", "-"), help=_help(about))
    return group


app.callback(help=_help(_options))(_options)
_add(app, serve, apply, ingest, get, list_, lineage, impact, models, path, roots, cycles, link)
_add(app, versions, diff, revert, rename, release, delete, restore)
_add(app, search, events, stage, alias, record, records, follow, unfollow, resume)
_add(app, export, import_, copy, backup, doctor, completion)
_migrations = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
_migrations.callback(help=_help(migrate))(migrate)
_add(_migrations, mlflow)
app.add_typer(_migrations, name="migrate", help=_help(migrate))
_group(_group(app, model, *MODEL_COMMANDS), version, *VERSION_COMMANDS)
_group(_group(app, model_registry), registered, *REGISTRY_COMMANDS)
_group(app, token, *TOKEN_COMMANDS)


def main() -> None:
    """Run the command of the process."""
    answer_shells()
    app(prog_name="headwater")
