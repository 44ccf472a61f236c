"""``fields=``: answers that hold only some of a document. Its ``ETag`` stays that of the whole."""

from __future__ import annotations

from headwater.api.errors import malformed
from headwater.schemas import Kind
from headwater.store.base import Record
from headwater.store.draft import dump, load

ALWAYS = ("id", "name", "fullyQualifiedName", "version", "deleted")
"""Fields of every projection; ``deleted`` where the document has it."""


class Projection:
    """Which fields of a kind's documents are answered.

    Args:
        which: The kind.
        names: As the query gives them, separated by commas; None: all.

    Raises:
        RequestError: Status 400: the kind has no such field.
    """

    def __init__(self, which: Kind, names: str | None) -> None:
        self._names: frozenset[str] | None = None
        if names is not None:
            asked = [name.strip() for name in names.split(",")]
            for name in asked:
                if name not in which.shape.fields:
                    known = ", ".join(which.shape.fields)
                    raise malformed(f"{which.name} has no field {name[:40]!r}; it has {known}")
            self._names = frozenset((*ALWAYS, *asked))

    def text(self, record: Record) -> str:
        """The document, or what is asked of it, as JSON."""
        if self._names is None:
            return record.document
        return dump({name: value for name, value in load(record).items() if name in self._names})

    def of(self, record: Record) -> Record:
        """The record with the document that is answered."""
        return record if self._names is None else record._replace(document=self.text(record))
