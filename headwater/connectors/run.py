"""One run of a connector: all that it writes goes through here, is counted, previewed, recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

from headwater import names
from headwater.connectors.report import Failure, Planned, Report, Unresolved
from headwater.connectors.run_log import RunLog
from headwater.connectors.vanished import Scope, delete_vanished
from headwater.schemas import Kind
from headwater.schemas import kind as kind_of
from headwater.sdk import Headwater
from headwater.sdk.lineage_calls import Edge

Request = Mapping[str, Any]

_CHUNK = 200
"""How many entities one call writes, so that progress is seen."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run goes.

    Attributes:
        preview: Write nothing; the report says what would be.
        allow_deletes: Delete what vanished, however much of the whole that is.
        watch: Told of each entity, with what it is a step of.
    """

    preview: bool = False
    allow_deletes: bool = False
    watch: Callable[[str], None] = lambda _: None


class Run:
    """What a connector writes through.

    Attributes:
        hw: The catalog, as the connector's producer.
        report: What was done so far.
        ids: Of what was put, by FQN with the kind before it (``table:a.b.c``).
    """

    def __init__(
        self, hw: Headwater, *, type: str, service: str, options: RunOptions | None = None
    ) -> None:
        """Make a run; nothing is written yet.

        Args:
            hw: The catalog.
            type: Of the connector, such as ``sql``.
            service: Name of the service that the source is in the catalog.
            options: How it goes.
        """
        # Header fields are ASCII.
        self.producer = f"{type}:{service if service.isascii() else quote(service)}"
        self.hw = hw.as_producer(self.producer)
        self.options = options or RunOptions()
        self.report = Report(service, preview=self.options.preview)
        self._seen: set[tuple[str, str]] = set()
        self._new: set[tuple[str, str]] = set()
        self._unchanged: set[str] = set()
        self.ids: dict[str, str] = {}
        self._scopes: list[Scope] = []
        self.log = RunLog(self.hw, pipeline=f"{type}-{service}", report=self.report)

    def put(self, kind: str, requests: Sequence[Request], *, found: bool = False) -> set[str]:
        """Create or update entities of a kind; return the FQNs of those the catalog has now.

        What is refused is in the report, and holds up no other.

        Args:
            requests: Create requests in wire form. A parent is named by its FQN.
            found: They are what people keep in the source, and not only the places for it.
        """
        which = kind_of(kind)
        self.report.seen += len(requests)
        if found:
            self.report.found += len(requests)
        self._seen.update((kind, request_fqn(which, each)) for each in requests)
        write = self._preview if self.options.preview else self._write
        written: set[str] = set()
        for at in range(0, len(requests), _CHUNK):
            written |= write(which, requests[at : at + _CHUNK])
        return written

    def saw(self, kind: str, fqn: str) -> None:
        """Note that the source has an entity that this run does not write: it has not vanished."""
        self._seen.add((kind, fqn))

    def enumerated(self, kind: str, within: str | None = None) -> None:
        """Note that every entity of a kind that the source has was put, or seen, by this run.

        What the catalog has beside them has vanished.

        Args:
            within: FQN of the parent of them all, or of their service; None: of the whole kind.
        """
        self._scopes.append(Scope(kind, within))

    def is_planned(self, kind: str, fqn: str) -> bool:
        """Whether an entity is new in a preview: nothing that is asked there may refer to it."""
        return self.options.preview and (kind, fqn) in self._new

    def changed(self, kind: str, fqn: str, *what: str) -> None:
        """Note that an entity changes, of which more is written than its request says."""
        if self.options.preview:
            self.report.planned.append(Planned("update", kind, fqn, what))
        else:
            self.log.add("info", f"{fqn}: {', '.join(what)}")
        key = f"{kind}:{fqn}"
        if key in self._unchanged:
            self._unchanged.remove(key)
            self.report.unchanged -= 1
            self.report.changed += 1

    def put_records(self, records: Sequence[Request]) -> None:
        """Append records, but for what is known; see ``Headwater.put_records``."""
        if not self.options.preview:
            self.report.records += self.hw.put_records(records)["appended"]

    def fail(self, name: str, message: str) -> None:
        """Report something of the source that did not get into the catalog."""
        self.report.failed.append(Failure(name, message))
        self.log.add("error", f"{name}: {message}")

    def leave_open(self, name: str, message: str, *, line: int = 1) -> None:
        """Report lineage that the source does not decide."""
        self.report.unresolved.append(Unresolved(name, line, message))

    def note(self, message: str) -> None:
        """Report what else somebody should know."""
        self.report.notes.append(message)
        self.log.add("warning", message)

    def replace_edges(
        self, edges: Sequence[Edge], *, source: str, targets: Collection[str] | None
    ) -> None:
        """Say what some entities are made from, in place of what this producer said before.

        Args:
            edges: ``(source, target, details)``, as ``Headwater.replace_edges`` takes them.
            source: How all of them are known.
            targets: What is replaced is what leads to these, as ``kind:fqn``; None: all that is
                known so.

        Raises:
            InvalidInputError: Something of an edge is not right.
        """
        if not self.options.preview:
            self.hw.replace_edges(edges, source=source, targets=targets)
        self.report.edges += len(edges)

    def execute(self, read: Callable[[Run], None]) -> Report:
        """Let a connector read its source, delete what vanished, and record the run.

        Raises:
            SourceError: The source cannot be reached or read. What was written stays; nothing is
                deleted; the run is recorded as failed.
            ClientError: The catalog cannot be reached.
        """
        recorded = not self.options.preview
        if recorded:
            self.log.start()
        try:
            read(self)
            delete_vanished(self)
        except BaseException as error:
            message = str(error) or type(error).__name__
            self.report.failed.append(Failure(self.report.service, message))
            if recorded:
                self.log.end_failed(error)
            raise
        if recorded:
            self.log.end()
        return self.report

    @property
    def scopes(self) -> Sequence[Scope]:
        """What was enumerated, in order."""
        return self._scopes

    def has_seen(self, kind: str, fqn: str) -> bool:
        """Whether the source has the entity."""
        return (kind, fqn) in self._seen

    def has_brought(self, kind: str, fqn: str) -> bool:
        """Whether the entity is in the catalog, or is in it again, only since this run."""
        return (kind, fqn) in self._new

    # Inside

    def _write(self, which: Kind, requests: Sequence[Request]) -> set[str]:
        report = self.report
        result = self.hw.bulk(which.name, requests)
        report.created += result.created
        report.changed += result.updated
        report.unchanged += result.unchanged
        for failure in result.failed:
            name = failure.name or str(requests[failure.index]["name"])
            self.fail(f"{which.name} {name}", failure.message)
        for _ in requests:
            self.options.watch(which.name)
        self.log.beat()
        written = [entity.to_wire() for entity in result.entities]
        self.ids.update({f"{which.name}:{w['fullyQualifiedName']}": w["id"] for w in written})
        for each, action in zip(written, result.actions, strict=True):
            fqn = str(each["fullyQualifiedName"])
            if action == "unchanged":
                self._unchanged.add(f"{which.name}:{fqn}")
            elif action == "created" or _came_back(each):
                self._new.add((which.name, fqn))
        return {str(each["fullyQualifiedName"]) for each in written}

    def _preview(self, which: Kind, requests: Sequence[Request]) -> set[str]:
        """Ask what putting would do; what lies below something new is new itself."""
        report, asked = self.report, list[Request]()
        there: set[str] = set()
        for request in requests:
            if self._is_below_new(which, request):
                there.add(self._plan_new(which, request))
            else:
                asked.append(request)
            self.options.watch(which.name)
        for request, found in zip(asked, self.hw.preview(which.name, asked), strict=True):
            fqn, action = request_fqn(which, request), found["action"]
            if action == "create":
                there.add(self._plan_new(which, request))
                continue
            if action == "fail":
                self.fail(f"{which.name} {request['name']}", found["message"])
                continue
            there.add(fqn)
            if action == "none":
                report.unchanged += 1
                self._unchanged.add(f"{which.name}:{fqn}")
                continue
            report.changed += 1
            lists = ("fieldsAdded", "fieldsUpdated", "fieldsDeleted")
            changed = (change["name"] for name in lists for change in found.get(name, ()))
            report.planned.append(Planned(action, which.name, fqn, tuple(changed)))
        return there

    def _is_below_new(self, which: Kind, request: Request) -> bool:
        parent = _parent_fqn(which, request)
        return parent is not None and (which.parent_kind, parent) in self._new

    def _plan_new(self, which: Kind, request: Request) -> str:
        fqn = request_fqn(which, request)
        self.report.created += 1
        self.report.planned.append(Planned("create", which.name, fqn))
        self._new.add((which.name, fqn))
        return fqn


def request_fqn(which: Kind, request: Request) -> str:
    """The FQN of what a request makes, whose parent it names by FQN."""
    return names.child(_parent_fqn(which, request), normalize("NFC", str(request["name"])))


def _came_back(entity: Request) -> bool:
    """Whether an entity that was updated had been deleted before."""
    ended = entity.get("changeDescription", {}).get("fieldsDeleted", ())
    return any(change["name"] == "deleted" for change in ended)


def _parent_fqn(which: Kind, request: Request) -> str | None:
    if which.parent is None:
        return None
    given: Any = request.get(which.parent.name, which.parent.default)
    return str(given["fullyQualifiedName"]) if isinstance(given, Mapping) else str(given)
