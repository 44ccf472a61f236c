"""``headwater model version``: the versions of a model, their runs and artifacts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.cli.failure import told
from headwater.cli.model import Force, ModelName, Tags, client
from headwater.cli.option import Format, Output, Store, Url
from headwater.cli.output import as_item, print_data, print_done, print_table, print_text, summary
from headwater.sdk.model_version import ArtifactType
from headwater.tracking import Model

Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="A name, number, stage or alias; or latest.")
]


def version() -> None:
    """The versions of a model.

    Example:
      headwater model version list churn
      headwater model version diff churn production latest
    """


def list_(
    model: ModelName,
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", help="Only in this one; or latest.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only with this tag.")] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the versions of a model.

    Example:
      headwater model version list churn --stage staging
    """
    with client(url, store) as control:
        found = [
            each.resolve() for each in control.list_model_versions(model, stage=stage, tag=tag)
        ]
    if output is not Format.table:
        return print_data([as_item(each) for each in found], output)
    rows = [
        [
            str(each.number),
            each.name,
            each.stage or "",
            " ".join(each.aliases or ()),
            each.status or "",
            summary("updatedAt", each.trained_at) if each.trained_at else "",
        ]
        for each in found
    ]
    print_table(["number", "name", "stage", "aliases", "status", "trained"], rows)
    return None


def update(
    model: ModelName,
    which: Version,
    stage: Annotated[str | None, typer.Option("--stage", "-s", help="Where it is moved.")] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Archive the version that is there.")
    ] = False,
    name: Annotated[str | None, typer.Option("--name", "-n", help="A new name.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What it is.")
    ] = None,
    tag: Tags = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Move a version to a stage, or change what is given of it.

    Of staging and production, one version at a time is in each: another that is there is archived
    by --force only.

    Example:
      headwater model version update churn 3 -s production
      headwater model version update churn latest -s staging --force
    """
    holders = "--force archives that one in the same commit"
    with client(url, store) as control, told(holders=holders):
        changed = control.update_model_version(
            model,
            which,
            stage=stage,
            force=force,
            name=name,
            description=description,
            add_tags=tag,
        ).resolve()
    if output is not Format.table:
        return print_done("updated", changed, output)
    print_text(f"{changed.fully_qualified_name} {changed.stage}")
    return None


def runs(
    model: ModelName,
    which: Version,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the runs that made or used a version; one whose process is gone as interrupted.

    Example:
      headwater model version runs churn 3
    """
    with client(url, store) as control:
        found = list(control.list_version_runs(control.get_model_version(model, which)))
    if output is not Format.table:
        return print_data([as_item(each) for each in found], output)
    rows = [
        [
            each.name,
            str(each.pipeline.name),
            each.status or "",
            summary("updatedAt", each.started_at),
            str(len(each.steps or ())),
        ]
        for each in found
    ]
    print_table(["run", "pipeline", "status", "started", "steps"], rows)
    return None


def data_artifacts(
    model: ModelName,
    which: Version,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the data that is linked to a version, newest first.

    Example:
      headwater model version data-artifacts churn production
    """
    _artifacts(model, which, "data", output, url, store)


def model_artifacts(
    model: ModelName,
    which: Version,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the trained models that are linked to a version, newest first.

    Example:
      headwater model version model-artifacts churn production
    """
    _artifacts(model, which, "model", output, url, store)


def deployment_artifacts(
    model: ModelName,
    which: Version,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the deployments that are linked to a version, newest first.

    Example:
      headwater model version deployment-artifacts churn production
    """
    _artifacts(model, which, "deployment", output, url, store)


def diff(
    model: ModelName,
    versions: Annotated[list[str], typer.Argument(metavar="VERSION VERSION...")],
    everything: Annotated[bool, typer.Option("--all", help="What they agree in, too.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Set versions side by side: metadata, metrics, parameters, features and their data.

    Long values are shown without their middle; --output json has them whole.

    Example:
      headwater model version diff churn production latest
    """
    with client(url, store) as control:
        found = control.compare_model_versions(model, versions)
    if output is not Format.table:
        return print_data(found.to_wire(), output)
    if not found.differences and not everything:
        print_text(str(found))
    else:
        print_table(*found.table(all_rows=everything))
    return None


def changes(
    model: ModelName,
    which: Version,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Tell what changed in the data of a version since it was trained, column by column.

    Example:
      headwater model version changes churn production
    """
    with client(url, store) as control:
        found = control.catalog.source_changes(control.get_model_version(model, which).id)
    if output is not Format.table:
        return print_data(found, output)
    rows = [
        [
            table["table"]["fullyQualifiedName"],
            each["name"],
            each["change"],
            each.get("was", ""),
            each.get("is", ""),
            ", ".join(each["features"]),
        ]
        for table in found["tables"]
        for each in table["columns"] or [{"name": "", "change": "deleted", "features": []}]
    ]
    rows += [["", each["name"], "erased", "", "", each["feature"]] for each in found["erased"]]
    print_table(["table", "column", "change", "was", "is", "features"], rows)
    print_text("trained on an older shape" if found["outdated"] else "what it reads is as it was")
    return None


def delete(
    model: ModelName,
    which: Version,
    force: Force = False,
    url: Url = None,
    store: Store = None,
) -> None:
    """Delete a version; its artifacts stay.

    Example:
      headwater model version delete churn 2
    """
    with client(url, store) as control:
        control.delete_model_version(which, model, force=force)
    print_text(f"deleted version {which} of model {model}")


VERSION_COMMANDS = (
    list_, update, runs, data_artifacts, model_artifacts, deployment_artifacts, diff, changes,
    delete,
)  # fmt: skip


def _artifacts(
    model: str,
    which: str,
    type_: ArtifactType,
    output: Format,
    url: str | None,
    store: str | None,
) -> None:
    with client(url, store) as control:
        found: Model = control.get_model_version(model, which)
        listed = list(found.list_artifacts(type_))
    if output is not Format.table:
        return print_data([as_item(each.entity) for each in listed], output)
    rows: list[list[Any]] = [
        [each.name, each.version, each.data_type or "", str(each.entity.size or ""), each.uri]
        for each in listed
    ]
    print_table(["artifact", "version", "type", "bytes", "uri"], rows)
    return None
