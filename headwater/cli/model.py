"""``headwater model``: models in the words of the control plane."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from headwater import names
from headwater.cli.failure import told
from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import as_item, print_data, print_done, print_table, print_text
from headwater.generated import MlModel
from headwater.tracking import Client, disconnect
from headwater.tracking import connect as track

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="Its name; of another service, SERVICE.MODEL.")
]
_Text = str | None
Description = Annotated[_Text, typer.Option("--description", "-d", help="What it is.")]
License = Annotated[_Text, typer.Option("--license", "-l", help="Its license.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", "-t", help="A word, or a tag's name. Repeatable.")
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Though it is in production.")]


@contextmanager
def client(url: str | None, store: str | None, *, create: bool = False) -> Iterator[Client]:
    """The control plane of the catalog that the options name."""
    track(connect(url, store, create=create))
    try:
        yield Client()
    finally:
        disconnect()


def model() -> None:
    """Models and their versions, as pipelines and notebooks speak of them.

    They are those of a server (--url or HEADWATER_URL) or of a store (--store).

    Example:
      headwater model list
      headwater model version list churn --stage staging
      headwater model version update churn 3 -s production
    """


def list_(
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="Only with a version in this stage; or latest.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="Of this service.")] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List models, with their newest version and what is in production.

    Example:
      headwater model list --stage production
    """
    with client(url, store) as control:
        found = list(control.list_models(tag=tag, stage=stage, service=service))
    if output is not Format.table:
        return print_data([as_item(each) for each in found], output)
    print_table(
        ["name", "latest", "production", "license", "tags"], [_row(m, service) for m in found]
    )
    return None


def register(
    name: ModelName,
    license: License = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What it is.")
    ] = None,
    tag: Tags = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Make a model.

    Example:
      headwater model register iris_logistic_regression --license MIT --tag sklearn
    """
    exists = f"`headwater model update {name}` changes it"
    with client(url, store, create=True) as control, told(exists=exists):
        made = control.create_model(name, license, description, tag)
    print_done("created", made, output)


def update(
    name: ModelName,
    rename: Annotated[str | None, typer.Option("--name", "-n", help="A new name.")] = None,
    license: License = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What it is.")
    ] = None,
    tag: Tags = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option("--remove-tag", "-r", help="A tag it loses. Repeatable.")
    ] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Change what is given of a model.

    Example:
      headwater model update iris_logistic_regression --tag iris --remove-tag sklearn
    """
    with client(url, store) as control:
        changed = control.update_model(
            name,
            name=rename,
            license=license,
            description=description,
            add_tags=tag,
            remove_tags=remove_tag,
        )
    print_done("updated", changed, output)


def delete(name: ModelName, force: Force = False, url: Url = None, store: Store = None) -> None:
    """Delete a model with its versions; their artifacts stay.

    Example:
      headwater model delete iris_logistic_regression
    """
    with client(url, store) as control:
        control.delete_model(name, force=force)
    print_text(f"deleted model {name}")


MODEL_COMMANDS = (list_, register, update, delete)


def _row(found: MlModel, service: str | None) -> list[str]:
    name = names.join(found.name) if service is None else str(found.fully_qualified_name)
    lifecycle = found.lifecycle
    latest = lifecycle.latest.name if lifecycle and lifecycle.latest else ""
    serving = lifecycle.serving.name if lifecycle and lifecycle.serving else ""
    tags = " ".join(str(each.fully_qualified_name) for each in found.tags or ())
    return [name, latest, serving, found.license or "", tags]
