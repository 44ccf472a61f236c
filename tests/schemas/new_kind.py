"""A kind that does not ship, and how it is added: one schema file, its examples, `make generate`.

``notebook`` has a parent, references, a keyed list and fields that make a major version.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

NOTEBOOK: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://headwater.dev/schemas/notebook.json",
    "title": "Notebook",
    "description": "A notebook that explores data or trains a model.",
    "type": "object",
    "additionalProperties": False,
    "x-headwater": {"kind": "notebook", "collection": "notebooks", "parent": "service"},
    "required": ["service", "language"],
    "properties": {
        "service": {
            "$ref": "common.json#/$defs/EntityReference",
            "description": "The service that runs the notebook.",
            "x-headwater": {"reference": ["mlmodelService"]},
        },
        "language": {
            "$ref": "#/$defs/NotebookLanguage",
            "description": "What the notebook is written in.",
            "x-headwater": {"major": ["updated"]},
        },
        "trains": {
            "$ref": "common.json#/$defs/EntityReference",
            "description": "The model that the notebook trains.",
            "x-headwater": {"reference": ["mlmodel"]},
        },
        "uses": {
            "type": "array",
            "items": {"$ref": "common.json#/$defs/EntityReference"},
            "description": "Other models that the notebook uses.",
            "x-headwater": {"reference": ["mlmodel"]},
        },
        "cells": {
            "type": "array",
            "items": {"$ref": "#/$defs/NotebookCell"},
            "description": "The cells, from the top.",
            "x-headwater": {"keyedBy": "name", "ordered": True, "major": ["deleted"]},
        },
    },
    "$defs": {
        "NotebookLanguage": {
            "title": "NotebookLanguage",
            "description": "A language of notebooks.",
            "type": "string",
            "enum": ["python", "r", "sql"],
        },
        "NotebookCell": {
            "title": "NotebookCell",
            "description": "One cell.",
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "name": {
                    "$ref": "common.json#/$defs/EntityName",
                    "description": "The cell's name.",
                },
                "source": {"type": "string", "description": "The cell's text."},
                "runs": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 1000,
                    "description": "How often it ran.",
                },
            },
        },
    },
}

REQUEST: dict[str, Any] = {
    "name": "explore churn",
    "service": "lab",
    "language": "python",
    "trains": {"fullyQualifiedName": "headwater.churn", "type": "mlmodel"},
    "cells": [
        {"name": "load", "source": "frame = read('customers')", "runs": 3},
        {"name": "fit", "source": "model.fit(frame)"},
    ],
}
ENTITY = {
    **REQUEST,
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "fullyQualifiedName": "lab.explore churn",
    "version": "0.1",
    "updatedAt": 1764000000000,
    "updatedBy": "local",
    "service": {"id": "6f1c2f0e-8f5b-4a0e-9d56-0c1d6f2b7a02", "type": "mlmodelService"},
}
EXAMPLES = {
    "valid/create_notebook/full": REQUEST,
    "valid/notebook/with_cells": ENTITY,
    "invalid/create_notebook/language_missing": {"name": "explore", "service": "lab"},
    "invalid/create_notebook/too_many_runs": {
        **REQUEST,
        "cells": [{"name": "load", "runs": 1001}],
    },
    "invalid/notebook/service_is_null": {**ENTITY, "service": None},
}


def copy_checkout(target: Path) -> None:
    """Copy what generating and testing the schemas needs; caches stay behind."""
    for folder in ("headwater", "tools", "tests/schemas"):
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, target / folder, ignore=caches)
    shutil.copy(ROOT / "pyproject.toml", target)


def add_notebook(checkout: Path) -> None:
    """Add the schema file and its examples to a checkout."""
    schemas = checkout / "headwater" / "schemas"
    write(schemas / "notebook.json", NOTEBOOK)
    for name, document in EXAMPLES.items():
        write(schemas / "examples" / f"{name}.json", document)


def write(path: Path, document: Any) -> None:
    """Write a JSON file, and its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
