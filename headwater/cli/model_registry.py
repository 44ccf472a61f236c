"""``headwater model-registry models``: versions of models that are trained elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from headwater import names
from headwater.cli.failure import told
from headwater.cli.model import Force, ModelName, client
from headwater.cli.option import Format, Output, Store, Url
from headwater.cli.output import as_item, print_data, print_done, print_table, print_text
from headwater.cli.record import pair, value_of
from headwater.errors import InvalidInputError
from headwater.tracking import Client
from headwater.tracking.check import check_step
from headwater.tracking.metadata import metadata_records

Which = Annotated[str | None, typer.Option("--version", "-v", help="Name, number, stage or alias.")]


class PairCommand(TyperCommand):
    """A command whose option ``-m`` takes two words, which typer cannot declare."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words, those after each ``-m`` as one.

        Raises:
            InvalidInputError: A key has no value.
        """
        words, joined = iter(args), list[str]()
        options = {option for each in self.params for option in each.opts}
        for word in words:
            joined.append(word)
            if word in ("-m", "--metadata"):
                key = next(words, "")
                value = key if "=" in key else next(words, None)
                if value is None or {key, value.partition("=")[0]} & options:
                    raise InvalidInputError(f"{word} takes a key and a value: {word} accuracy 0.98")
                joined.append(key if "=" in key else f"{key}={value}")
        parsed: list[str] = super().parse_args(ctx, joined)
        return parsed


def model_registry() -> None:
    """Register models that lie elsewhere: what has a URI.

    The registry is a server (--url or HEADWATER_URL) or a store (--store).

    Example:
      headwater model-registry models list
    """


def models() -> None:
    """Models and versions of the registry.

    Example:
      headwater model-registry models register-version churn --model-uri s3://models/churn
    """


def register_version(
    name: ModelName,
    model_uri: Annotated[str, typer.Option("--model-uri", "-u", help="Where the model lies.")],
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What it is.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", "-v", help="Its name or number.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", "-m", metavar="KEY VALUE", help="Repeatable."),
    ] = None,
    pipeline_name: Annotated[str | None, typer.Option(help="The pipeline that trained it.")] = None,
    step_name: Annotated[str | None, typer.Option(help="The pipeline's step that did.")] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Register a version of a model, which is made where it is missing.

    Values of metadata are read as JSON where they are such. A version that is a number has to be
    the model's next. Of a pipeline that tracking knows, the latest run is the version's, which then
    has the step.

    Example:
      headwater model-registry models register-version churn -v 1 --model-uri s3://models/churn/1
      headwater model-registry models register-version churn -u s3://models/churn/2 -m arch svc
    """
    _check_uri(model_uri)
    values = {key: value_of(text) for key, text in map(pair, metadata or ())}
    about = {"pipeline": pipeline_name, "step": step_name}
    said = {key: each for key, each in about.items() if each is not None}
    if twice := values.keys() & said.keys():
        raise InvalidInputError(f"metadata {min(twice)!r} is what --{min(twice)}-name says")
    values |= said
    metadata_records("", values, about={})  # refuses what cannot be logged before a version is made
    with client(url, store, create=True) as control:
        run = _run(control, pipeline_name, step_name)
        with told(exists=f"`headwater model version update {name} {version}` changes it"):
            made = control.create_model_version(
                name, version, description, sourceUri=model_uri, run=run, status="ready"
            )
        made.log_metadata(values)
    print_done("created", made.resolve(), output)


def list_(output: Output = Format.table, url: Url = None, store: Store = None) -> None:
    """List the models of the registry, and how many versions each ever had.

    Example:
      headwater model-registry models list
    """
    with client(url, store) as control:
        found = list(control.list_models())
    if output is not Format.table:
        return print_data([as_item(each) for each in found], output)
    rows = [
        [names.join(each.name), str(each.lifecycle.last_number or 0) if each.lifecycle else "0",
         each.description or ""]
        for each in found
    ]  # fmt: skip
    print_table(["name", "versions", "description"], rows)
    return None


def get(
    name: ModelName,
    version: Which = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show a version of a model, with what was logged on it; the latest unless given.

    Example:
      headwater model-registry models get tensorflow-model -v 1
    """
    with client(url, store) as control:
        found = control.get_model_version(name, version)
        item = as_item(found.resolve())
        item["metadata"] = {key: each.value for key, each in found.run_metadata.items()}
    if output is not Format.table:
        return print_data(item, output)
    shown = ("fullyQualifiedName", "number", "stage", "status", "sourceUri", "description")
    rows = [[each, str(item[each])] for each in shown if each in item]
    rows += [[f"metadata {key}", str(value)] for key, value in item["metadata"].items()]
    print_table(["", ""], rows)
    return None


def delete(
    name: ModelName,
    version: Which = None,
    force: Force = False,
    url: Url = None,
    store: Store = None,
) -> None:
    """Delete a version of a model; without a version, the model with all of them.

    Example:
      headwater model-registry models delete tensorflow-model -v 1
    """
    with client(url, store) as control:
        if version is None:
            control.delete_model(name, force=force)
        else:
            control.delete_model_version(version, name, force=force)
    print_text(f"deleted {name}" + (f" {version}" if version else ""))


PAIRED = frozenset({register_version})
"""Commands that are ``PairCommand``s."""

REGISTRY_COMMANDS = (register_version, list_, get, delete)


def _check_uri(uri: str) -> None:
    """Refuse what tells nobody else where a model lies.

    Raises:
        InvalidInputError: It has no scheme, or nothing behind it.
    """
    scheme, _, rest = uri.partition(":")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9+.-]+", scheme) or not rest.strip("/ "):
        raise InvalidInputError(
            f"--model-uri is a URI such as s3://models/churn/1 or file:///models/churn, not {uri!r}"
        )


def _run(control: Client, pipeline: str | None, step: str | None) -> dict[str, Any] | None:
    """The latest run of a pipeline, where the catalog knows one.

    Raises:
        NotFoundError: It has no such step.
    """
    run = control.find_pipeline_run(pipeline) if pipeline else None
    if run is None:
        return None
    if step is not None:
        check_step(step, [each.name for each in run.steps or ()], f"the latest run of {pipeline}")
    return {"id": run.id, "type": "pipelineRun"}
