"""``headwater apply``: files of entities into the catalog, parents first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from headwater.cli.failure import FAILED
from headwater.cli.item import Item, find_files, place_of, read_file
from headwater.cli.option import Format, Output, Store, Url, connect, kind_named
from headwater.cli.output import print_data, print_text
from headwater.cli.progress import progress
from headwater.errors import HeadwaterError, InvalidInputError
from headwater.schemas import Kind, Shape, kinds
from headwater.schemas.registry import kept_with_schemas
from headwater.sdk import Headwater


@dataclass(slots=True)
class Outcome:
    """What became of one document, or of a file that could not be read."""

    result: str
    kind: str = ""
    name: str = ""
    version: str = ""
    code: str = ""
    place: str = ""
    messages: list[str] = field(default_factory=list)

    def to_wire(self) -> dict[str, Any]:
        """The outcome as data."""
        fields = {
            "result": self.result,
            "kind": self.kind,
            "fullyQualifiedName": self.name,
            "version": self.version,
            "code": self.code,
            "place": self.place,
            "messages": self.messages,
        }
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Request:
    """A document that says what kind it is, without the fields that only the catalog sets."""

    item: Item
    kind: Kind
    body: dict[str, Any]


def apply(
    files: Annotated[
        list[str],
        typer.Option(
            "--file", "-f", metavar="FILE|DIR|-", help="YAML or JSON; - is stdin. Repeatable."
        ),
    ],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Create or update what files say.

    A document has `kind:` and the fields of the create request; what `get -o yaml` prints can be
    edited and applied. Parents go first, whatever the order. What fails is reported, the rest
    is written.

    Example:
      headwater apply -f models.yaml
      headwater get mlmodel headwater.churn -o yaml | sed s/Forest/Trees/ | headwater apply -f -
    """
    outcomes: list[Outcome] = []
    items = list(_items(files, outcomes))
    try:
        with connect(url, store, create=True) as hw:
            requests = list(_requests(hw, items, outcomes))
            requests.sort(key=lambda request: _order().get(request.kind.name, len(_order())))
            for outcome in outcomes:
                _report(outcome, output)
            with progress(len(requests)) as watch:
                for request in requests:
                    outcome = _put(hw, request)
                    _report(outcome, output)
                    outcomes.append(outcome)
                    watch("apply")
    finally:  # when the server goes away, too, it is told what was written before
        if output is not Format.table:
            print_data([outcome.to_wire() for outcome in outcomes], output)
    if any(outcome.result == "failed" for outcome in outcomes):
        raise typer.Exit(FAILED)


def _items(files: list[str], failed: list[Outcome]) -> Iterator[Item]:
    for name in [each for given in files for each in find_files(given)]:
        try:
            items = read_file(name).items()
        except HeadwaterError as error:
            place = place_of(name, error)
            failed.append(_refused(place, f"{place} {error.message}", error))
            continue
        if not items:
            shown = "stdin" if name == "-" else name
            typer.echo(f"headwater: there is no document in {shown}", err=True)
        yield from items


def _requests(hw: Headwater, items: list[Item], failed: list[Outcome]) -> Iterator[Request]:
    for item in items:
        try:
            yield _request(hw, item)
        except InvalidInputError as error:
            place = item.place(line=error.details.get("line"))
            failed.append(_refused(place, f"{place}: {error.message}", error))


def _refused(place: str, message: str, error: HeadwaterError) -> Outcome:
    return Outcome("failed", code=error.code, place=place, messages=[message])


def _request(hw: Headwater, item: Item) -> Request:
    given = item.body()
    if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
        known = ", ".join(sorted(kinds()))
        raise InvalidInputError(f"a document has `kind:`, one of {known}, and the entity's fields")
    kind = kind_named(hw, given["kind"])
    body = {name: value for name, value in given.items() if name != "kind"}
    try:
        return Request(item, kind, _writable(body, kind.shape))
    except RecursionError as error:
        raise InvalidInputError("nests too deeply to be read") from error


def _writable(body: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The body as a request: without what only the catalog sets.

    Of a reference with an id and a name the name stays, since that is what people edit.
    """
    out = {}
    for name, value in body.items():
        known = shape.fields.get(name)
        if known is None:
            out[name] = value
        elif known.read_only:
            continue
        elif known.reference:
            out[name] = _named(value)
        elif known.shape is None:
            out[name] = value
        elif isinstance(value, list):
            out[name] = [_writable(v, known.shape) if isinstance(v, dict) else v for v in value]
        else:
            out[name] = _writable(value, known.shape) if isinstance(value, dict) else value
    return out


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(each) for each in value]
    if isinstance(value, dict) and value.get("fullyQualifiedName"):
        return {n: v for n, v in value.items() if n in ("type", "fullyQualifiedName")}
    return value


def _put(hw: Headwater, request: Request) -> Outcome:
    item = request.item
    result = hw.bulk(request.kind.name, [request.body])
    for failure in result.failed:
        faults = failure.errors or [{"pointer": "", "message": failure.message}]
        name = str(request.body.get("name", ""))
        messages = [
            f"{item.place(f['pointer'])}: {request.kind.name} {name}: "
            + ": ".join(part for part in (f["pointer"], f["message"]) if part)
            for f in faults
        ]
        return Outcome(
            "failed",
            request.kind.name,
            name,
            code=failure.code,
            place=item.place(),
            messages=messages,
        )
    entity = result.entities[0].to_wire()
    kind, name = request.kind.name, entity["fullyQualifiedName"]
    return Outcome(result.actions[0], kind, name, entity["version"], place=item.place())


def _report(outcome: Outcome, output: Format) -> None:
    for message in outcome.messages:
        typer.echo(f"headwater: {message}", err=True)
    if output is Format.table and outcome.kind:
        print_text(f"{outcome.result:<9} {outcome.kind} {outcome.name} {outcome.version}".rstrip())


@kept_with_schemas
def _order() -> dict[str, int]:
    """Kinds by rank: a kind comes after every kind that its fields may refer to."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in order or name in above or name not in kinds():
            return
        for target in sorted(_targets(kinds()[name].shape, set())):
            visit(target, (*above, name))
        order.append(name)

    for name in sorted(kinds()):
        visit(name, ())
    return {name: rank for rank, name in enumerate(order)}


def _targets(shape: Shape, seen: set[int]) -> set[str]:
    if id(shape) in seen:
        return set()
    seen.add(id(shape))
    found: set[str] = set()
    for each in shape.fields.values():
        found.update(each.reference)
        if each.shape is not None:
            found |= _targets(each.shape, seen)
    return found
