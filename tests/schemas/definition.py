"""The schema and the class of each object type, for what asks all judges: examples, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

import headwater.generated
from headwater.document import Document
from headwater.schemas.check import snake
from headwater.schemas.registry import enforced
from headwater.schemas.runtime import faults
from headwater.schemas.validate import validator


@dataclass(frozen=True)
class Definition:
    """An object type: the document and definition that say what it is, and the class made of it.

    ``definition`` is empty where the document itself is the type.
    """

    title: str
    file: str
    definition: str

    @property
    def folder(self) -> str:
        """The folder of its examples: ``create_ml_model`` for ``CreateMlModel``."""
        return snake(self.title)

    @property
    def ref(self) -> str:
        return self.file + (f"#/$defs/{self.definition}" if self.definition else "")

    def schema_accepts(self, document: Any) -> bool:
        accepted: bool = validator(self.file, self.definition).is_valid(document)
        return accepted

    def runtime_accepts(self, document: Any) -> bool:
        """What ``jsonschema-rs`` says, which judges where there is no class."""
        return not faults(self.file, self.definition, document)

    def class_accepts(self, document: Any) -> bool:
        """What the generated class says, asked as the write path asks it."""
        cls: type[Document] = getattr(headwater.generated, self.title)
        try:
            cls.model_validate(document, by_name=False)
        except ValidationError:
            return False
        return True


def _definitions() -> dict[str, Definition]:
    found = []
    for file, document in enforced().items():
        if "properties" in document:
            found.append(Definition(document["title"], file, ""))
        for name, schema in document.get("$defs", {}).items():
            if "enum" not in schema:
                found.append(Definition(name, file, name))
    return {each.title: each for each in found}


DEFINITIONS = _definitions()
EXEMPLIFIED = {d.folder: d for d in DEFINITIONS.values() if not d.definition}
"""Types that have examples, by folder: documents of their own, create requests, references."""
EXEMPLIFIED |= {d.folder: d for t, d in DEFINITIONS.items() if t.startswith("Create")}
EXEMPLIFIED["entity_reference"] = DEFINITIONS["EntityReference"]
