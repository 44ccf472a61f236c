"""An organisation's folder of schema files, for tests that use one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.schemas import use_folder
from tests.schemas.new_kind import write

CUSTOM: dict[str, Any] = {
    "title": "MlModelExtension",
    "description": "What we keep of every model.",
    "type": "object",
    "x-headwater": {"extends": "mlmodel"},
    "properties": {
        "costCenter": {
            "type": "string",
            "maxLength": 8,
            "description": "Who pays.",
            "x-headwater": {"searchable": True},
        },
        "risk": {
            "$ref": "#/$defs/ModelRisk",
            "description": "What a wrong answer costs.",
            "x-headwater": {"major": ["updated"]},
        },
        "reviewer": {
            "$ref": "common.json#/$defs/EntityReference",
            "description": "Who approved the model.",
            "x-headwater": {"reference": ["user"]},
        },
        "checks": {
            "type": "array",
            "items": {"$ref": "#/$defs/ModelCheck"},
            "description": "What was checked.",
            "x-headwater": {"keyedBy": "name"},
        },
    },
    "$defs": {
        "ModelRisk": {
            "title": "ModelRisk",
            "description": "A level of risk.",
            "type": "string",
            "enum": ["low", "high"],
        },
        "ModelCheck": {
            "title": "ModelCheck",
            "description": "One check.",
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "description": "The check's name."},
                "passed": {"type": "boolean", "description": "Whether it passed."},
            },
        },
    },
}
"""Custom properties of models, as an organisation's file describes them."""


def make_folder(folder: Path, **documents: Any) -> Path:
    """A folder with each document in the file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, document in documents.items():
        write(folder / f"{stem}.json", document)
    return folder


@contextmanager
def no_folder_afterwards() -> Iterator[None]:
    """Whatever folder is used within, none is afterwards."""
    try:
        yield
    finally:
        use_folder(None)
