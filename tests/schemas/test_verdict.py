"""Two validators, one verdict: jsonschema on the enforced schema, and the generated class."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headwater.generated
from headwater.document import Document
from tests.schemas.definition import DEFINITIONS
from tests.schemas.strategy import Place, mutated, valid

LEAST_ACCEPTED = 0.3
SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_every_class_of_an_object_is_held_to_its_schema() -> None:
    exported = [getattr(headwater.generated, name) for name in headwater.generated.__all__]
    classes = {c.__name__ for c in exported if isinstance(c, type) and issubclass(c, Document)}

    assert set(DEFINITIONS) == classes


@pytest.mark.parametrize("title", DEFINITIONS)
def test_class_and_jsonschema_agree(title: str) -> None:
    definition = DEFINITIONS[title]
    place = Place(definition.file, {}).at({"$ref": definition.ref})
    verdicts: list[bool] = []

    @SETTINGS
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        document = data.draw(valid(place))
        assert definition.schema_accepts(document), "the strategy makes valid documents"
        assert definition.class_accepts(document)
        verdicts.append(True)
        for _ in range(3):
            candidate = json.loads(json.dumps(data.draw(mutated(place, document))))
            verdict = definition.schema_accepts(candidate)
            assert definition.class_accepts(candidate) is verdict
            verdicts.append(verdict)

    agree()

    assert sum(verdicts) / len(verdicts) >= LEAST_ACCEPTED
    assert not all(verdicts), "no mutation was refused"
