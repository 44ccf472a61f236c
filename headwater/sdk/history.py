"""The calls about what an entity was, and those that take a change back, or the entity itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

from headwater.sdk.address import EntityLike, KindLike, entity_class, segment
from headwater.sdk.bulk import MOST_PREVIEWED, chunks
from headwater.sdk.diff import Diff
from headwater.sdk.entities import E, EntityCalls, Named, body_of
from headwater.sdk.json_text import to_json
from headwater.sdk.memory import parse
from headwater.sdk.session import entity_of


class HistoryCalls(EntityCalls):
    """Versions, renaming, reverting, releasing, previewing, erasing; see ``Headwater``."""

    @overload
    def versions(self, entity: Named, *, kind: KindLike | None = None) -> Sequence[Any]: ...
    @overload
    def versions(self, entity: E) -> Sequence[E]: ...
    def versions(self, entity: EntityLike, *, kind: KindLike | None = None) -> Sequence[Any]:
        """Return every version of an entity, the newest first."""
        address, asked = self._located(entity, kind, deleted=True)
        pages = self._pages(self._path(address, deleted=True) + "/versions")
        return [parse(entity_class(asked), raw) for raw in pages]

    @overload
    def version(self, entity: Named, version: str, *, kind: KindLike | None = None) -> Any: ...
    @overload
    def version(self, entity: E, version: str) -> E: ...
    def version(self, entity: EntityLike, version: str, *, kind: KindLike | None = None) -> Any:
        """Return one version of an entity, such as ``"0.1"``.

        Raises:
            NotFoundError: It has no such version.
        """
        address, asked = self._located(entity, kind, deleted=True)
        path = f"{self._path(address, deleted=True)}/versions/{segment(version)}"
        return entity_of(entity_class(asked), self._wire.send("GET", path))

    def diff(
        self,
        entity: EntityLike,
        from_version: str,
        to_version: str,
        *,
        kind: KindLike | None = None,
    ) -> Diff:
        """Return what changed between two versions; ``print`` shows it.

        Raises:
            NotFoundError: It has no such version.
        """
        address, _ = self._located(entity, kind, deleted=True)
        start = self._path(address, deleted=True)
        path = f"{start}/versions/{segment(from_version)}/diff/{segment(to_version)}"
        return Diff(self._wire.send("GET", path).data)

    @overload
    def rename(self, entity: Named, name: str, *, kind: KindLike | None = None) -> Any: ...
    @overload
    def rename(self, entity: E, name: str) -> E: ...
    def rename(self, entity: Any, name: str, *, kind: KindLike | None = None) -> Any:
        """Give an entity another name, and return it; what spells the old one follows at once.

        Raises:
            AlreadyExistsError: Another entity has the name.
        """
        return self._act(entity, kind, "/rename", {"name": name})

    @overload
    def revert(self, entity: Named, version: str, *, kind: KindLike | None = None) -> Any: ...
    @overload
    def revert(self, entity: E, version: str) -> E: ...
    def revert(self, entity: Any, version: str, *, kind: KindLike | None = None) -> Any:
        """Write a new version with the values of an earlier one, and return it.

        References whose targets are gone are left out, and named in the new version's
        ``change_description.references_gone``.

        Raises:
            NotFoundError: The entity never had that version.
        """
        return self._act(entity, kind, f"/versions/{segment(version)}/revert")

    @overload
    def release(self, entity: Named, field: str, *, kind: KindLike | None = None) -> Any: ...
    @overload
    def release(self, entity: E, field: str) -> E: ...
    def release(self, entity: Any, field: str, *, kind: KindLike | None = None) -> Any:
        """Hand a field back that people filled in or emptied: connectors may write it again.

        Args:
            field: Its path, such as ``description`` or ``columns.age.tags``.
        """
        return self._act(entity, kind, "/release", {"field": field})

    def provenance(
        self, entity: Any, *, kind: KindLike | None = None, as_of: str | int | None = None
    ) -> list[dict[str, Any]]:
        """Return who set which field of an entity.

        Args:
            entity: Which one.
            kind: Of a bare name or id.
            as_of: As it was at a time (ISO 8601), a sequence number, or ``version:0.3``.

        Returns:
            Of each ``{field, by, kind, writer, producer?}``, where the kind is ``person``, ``bot``
            or ``released``, and the field a path. The field ``""`` has who created the entity, and
            so what no other tells of.
        """
        address, _ = self._located(entity, kind, deleted=True)
        path = self._path(address, deleted=True) + "/provenance"
        found: list[dict[str, Any]] = self._wire.send("GET", path, params={"asOf": as_of}).data[
            "origins"
        ]
        return found

    def preview(self, kind: KindLike, requests: Iterable[Any]) -> list[dict[str, Any]]:
        """Return what ``bulk`` with these requests would do, and write nothing.

        Each is told against those before it: of more than 2,500, or 8 MB, against those that are
        sent with it.

        Returns:
            For each request ``{index, action, fullyQualifiedName, version, fieldsAdded, …}``; the
            action is ``create``, ``update``, ``restore``, ``none`` or, with ``message``, ``fail``.
        """
        path = f"/{self._kind(kind).collection}/bulk"
        found: list[dict[str, Any]] = []
        numbered = ((n, to_json(body_of(each))) for n, each in enumerate(requests))
        for chunk in chunks(numbered, MOST_PREVIEWED):
            body = b"[" + b",".join(text for _, text in chunk) + b"]"
            data = self._wire.send("PUT", path, params={"preview": "true"}, body=body).data["data"]
            found += [each | {"index": n} for each, (n, _) in zip(data, chunk, strict=True)]
        return found

    def erase(
        self,
        entity: Any,
        *,
        kind: KindLike | None = None,
        recursive: bool = False,
        force: bool = False,
    ) -> Any:
        """Delete an entity for good, with its versions and lineage; nothing brings it back.

        Args:
            entity: Which one, soft-deleted or not.
            kind: Of a bare name or id.
            recursive: With everything below it.
            force: Take it out of the entities that refer to it.

        Returns:
            The last state of what is gone.

        Raises:
            ConflictError: Something is below it or refers to it (``details["referrers"]``).
            AccessError: The caller is no admin.
        """
        address, asked = self._located(entity, kind, deleted=True)
        flags = {"hard": True, "recursive": recursive, "force": force}
        answer = self._wire.send(
            "DELETE",
            self._path(address, deleted=True),
            params={name: "true" for name, flag in flags.items() if flag},
        )
        return entity_of(entity_class(asked), answer)

    def _act(self, entity: Any, kind: KindLike | None, path: str, body: Any = None) -> Any:
        address, asked = self._located(entity, kind)
        answer = self._wire.send("POST", self._path(address) + path, body=body)
        return entity_of(entity_class(asked), answer)
