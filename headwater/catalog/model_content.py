"""What belongs to versions of models: their runs, their artifacts, and several side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from headwater.catalog.compare import compare
from headwater.catalog.model_version import ModelVersionService
from headwater.errors import InvalidInputError
from headwater.store.base import Entry, Key, Record, Store
from headwater.store.draft import Document, load

ARTIFACT_TYPES = ("data", "model", "deployment")
MOST_COMPARED = 20
METADATA = "metadata"
METRIC = "metric"
_RUN_FIELDS = ("inputs", "outputs", "steps")
_LINKS = "modelVersions"


@dataclass(frozen=True, slots=True)
class ContentPage:
    """Entities, newest first.

    Attributes:
        after: Where the next page begins; None behind the last one.
    """

    documents: list[Document]
    after: int | None


class ModelContentService:
    """Runs and artifacts of versions, and comparisons."""

    def __init__(self, store: Store, versions: ModelVersionService) -> None:
        self._store = store
        self._versions = versions

    def runs(self, version: Key, *, after: int = 0, limit: int = 100) -> ContentPage:
        """Return the runs that made or used a version, the last to start first.

        Raises:
            NotFoundError: There is no such version.
        """
        record = self._versions.get(version)
        trained = load(record).get("run")
        found = self._referring(record, _RUN_FIELDS) | ({trained["id"]} if trained else set())
        runs = [load(each) for each in self._live(found, "pipelineRun")]
        runs.sort(key=lambda run: (run.get("startedAt", 0), run["id"]), reverse=True)
        return _page(runs, after, limit)

    def artifacts(
        self, version: Key, *, artifact_type: str | None = None, after: int = 0, limit: int = 100
    ) -> ContentPage:
        """Return the artifact versions that belong to a version, the last to be written first.

        Each has, beside its own fields, the ``artifactType`` of its artifact.

        Args:
            artifact_type: Only ``data``, ``model`` or ``deployment``.

        Raises:
            NotFoundError: There is no such version.
        """
        if artifact_type not in (None, *ARTIFACT_TYPES):
            known = " or ".join(ARTIFACT_TYPES)
            raise InvalidInputError(f"type is {known}, not {artifact_type!r}")
        record = self._versions.get(version)
        made = {each["id"] for each in load(record).get("artifacts", ())}
        live = self._live(self._referring(record, (_LINKS,)) | made, "artifactVersion")
        parents = {str(each.parent_id) for each in live}
        types = {
            str(id_): load(each).get("artifactType", ARTIFACT_TYPES[0])
            for id_, each in (self._store.find_many(parents) if parents else {}).items()
        }
        documents = [
            {**load(each), "artifactType": types[str(each.parent_id)]}
            for each in live
            if artifact_type in (None, types[str(each.parent_id)])
        ]
        documents.sort(key=lambda each: (each["updatedAt"], each["id"]), reverse=True)
        return _page(documents, after, limit)

    def compare(self, model: Key, selectors: Sequence[str]) -> Document:
        """Return versions of a model side by side.

        Args:
            selectors: Two or more, as ``ModelVersionService.find`` has them.

        Returns:
            ``versions`` in the order asked for, and ``rows`` of ``{section, name, values, equal}``
            with a value, or null, for each version.

        Raises:
            NotFoundError: There is no such model or version.
            InvalidInputError: Fewer than two are asked for, or too many.
        """
        model = self._versions.get_model(model).id
        if not 2 <= len(selectors) <= MOST_COMPARED:
            raise InvalidInputError(f"2 to {MOST_COMPARED} versions are compared at once")
        records = [self._versions.find(model, each) for each in selectors]
        ids = list(dict.fromkeys(record.id for record in records))
        logged: dict[str, dict[str, Document]] = {id_: {} for id_ in ids}
        for entry in self._newest(ids):
            logged[entry.entity_id].setdefault(entry.type, {})[entry.key] = entry.data
        return compare(
            [load(record) for record in records], [logged[record.id] for record in records]
        )

    # Inside

    def _newest(self, ids: Sequence[str]) -> Iterable[Entry]:
        before: int | None = None
        while page := self._store.entries(
            entity_ids=ids, types=[METADATA, METRIC], latest=True, before=before, limit=1000
        ):
            yield from page
            before = page[-1].number

    def _referring(self, version: Record, fields: Collection[str]) -> set[str]:
        """Ids of what refers to a version in one of these fields."""
        return {
            entity_id
            for _, entity_id, path in self._store.referrers([version.id])
            if path.partition(".")[0] in fields
        }

    def _live(self, ids: Collection[str], kind: str) -> list[Record]:
        found = self._store.find_many(ids) if ids else {}
        return [each for each in found.values() if each.kind == kind and not each.deleted]


def _page(documents: list[Document], after: int, limit: int) -> ContentPage:
    shown = documents[after : after + limit]
    return ContentPage(shown, after + limit if after + limit < len(documents) else None)
