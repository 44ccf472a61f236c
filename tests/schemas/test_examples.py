"""Every example is judged as its folder says, by both validators and the class."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import headwater.generated
import headwater.schemas
from headwater.generated import ENTITIES
from tests.schemas.definition import DEFINITIONS, EXEMPLIFIED

ROOT = Path(headwater.schemas.__file__).parent / "examples"
CASES = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("*/*/*.json"))]

FOLDERS = {DEFINITIONS[cls.__name__].folder for cls in ENTITIES.values()}
ANSWERS = [c for c in CASES if c in {f"valid/{folder}/as_answered.json" for folder in FOLDERS}]


@pytest.mark.parametrize("case", CASES)
def test_example_is_judged_as_its_folder_says(case: str) -> None:
    verdict, folder, _ = Path(case).parts
    document = json.loads((ROOT / case).read_text(encoding="utf-8"))
    definition = EXEMPLIFIED[folder]

    assert definition.schema_accepts(document) is (verdict == "valid")
    assert definition.class_accepts(document) is (verdict == "valid")
    assert definition.runtime_accepts(document) is (verdict == "valid")


@pytest.mark.parametrize("folder", EXEMPLIFIED)
def test_document_has_examples_of_both_verdicts(folder: str) -> None:
    assert list((ROOT / "valid" / folder).glob("*.json"))
    assert list((ROOT / "invalid" / folder).glob("*.json"))


def test_only_known_documents_have_examples() -> None:
    assert {path.name for path in ROOT.glob("*/*")} == set(EXEMPLIFIED)


@pytest.mark.parametrize("case", ANSWERS)
def test_entity_is_written_as_it_was_read(case: str) -> None:
    cls = getattr(headwater.generated, EXEMPLIFIED[Path(case).parts[1]].title)
    document = json.loads((ROOT / case).read_text(encoding="utf-8"))

    assert cls.model_validate(document).to_wire() == document
