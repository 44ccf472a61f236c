"""Two validators, one verdict: jsonschema on the enforced schema, and the generated class."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import headwater.generated
from headwater.document import Document
from headwater.schemas.registry import enforced
from headwater.schemas.validate import validator
from tests.schemas.strategy import Place, mutated, valid

LEAST_ACCEPTED = 0.3


def definitions() -> dict[str, tuple[str, str]]:
    """File and definition of every class that is made from an object."""
    found = {}
    for file, document in enforced().items():
        if "properties" in document:
            found[document["title"]] = (file, "")
        for name, definition in document.get("$defs", {}).items():
            if "enum" not in definition:
                found[name] = (file, name)
    return found


DEFINITIONS = definitions()


def class_accepts(name: str, document: Any) -> bool:
    """What the generated class says, as the write path asks it."""
    cls: type[Document] = getattr(headwater.generated, name)
    try:
        cls.model_validate(document, by_name=False)
    except ValidationError:
        return False
    return True


def test_every_class_of_an_object_is_held_to_its_schema() -> None:
    exported = [getattr(headwater.generated, name) for name in headwater.generated.__all__]
    classes = {c.__name__ for c in exported if isinstance(c, type) and issubclass(c, Document)}

    assert set(DEFINITIONS) == classes


@pytest.mark.parametrize("name", DEFINITIONS)
def test_class_and_jsonschema_agree(name: str) -> None:
    file, definition = DEFINITIONS[name]
    reference = validator(file, definition)
    place = Place(file, {}).at({"$ref": file + (f"#/$defs/{definition}" if definition else "")})
    verdicts: list[bool] = []

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        document = data.draw(valid(place))
        assert reference.is_valid(document), "the strategy makes valid documents"
        for _ in range(3):
            candidate = json.loads(json.dumps(data.draw(mutated(place, document))))
            verdict = reference.is_valid(candidate)
            assert class_accepts(name, candidate) is verdict
            verdicts.append(verdict)
        assert class_accepts(name, document)
        verdicts.append(True)

    agree()

    assert sum(verdicts) / len(verdicts) >= LEAST_ACCEPTED
    assert not all(verdicts), "no mutation was refused"
