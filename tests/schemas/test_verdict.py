"""Three validators, one verdict: jsonschema and jsonschema-rs on the enforced schema, the class."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import headwater.generated
from headwater.document import Document
from tests.schemas.definition import DEFINITIONS, Definition
from tests.schemas.strategy import Place, mutated, mutations, valid

LEAST_ACCEPTED = 0.26
"""Above the quarter that are the valid documents themselves. Where every property is required, as
in a pointer, few mutations are valid."""
SETTINGS = settings(
    max_examples=60,
    deadline=None,
    phases=set(Phase) - {Phase.explain},  # it would take longer than the finding
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SWEEP = settings(SETTINGS, max_examples=2, phases=[Phase.reuse, Phase.generate])


def test_every_class_of_an_object_is_held_to_its_schema() -> None:
    exported = [getattr(headwater.generated, name) for name in headwater.generated.__all__]
    classes = {c.__name__ for c in exported if isinstance(c, type) and issubclass(c, Document)}

    assert set(DEFINITIONS) == classes


def place_of(definition: Definition) -> Place:
    return Place(definition.file, {}).at({"$ref": definition.ref})


@pytest.mark.parametrize("title", DEFINITIONS)
def test_all_validators_agree(title: str) -> None:
    definition = DEFINITIONS[title]
    place = place_of(definition)
    verdicts: list[bool] = []

    @SETTINGS
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        document = data.draw(valid(place))
        assert definition.schema_accepts(document), "the strategy makes valid documents"
        assert definition.class_accepts(document)
        assert definition.runtime_accepts(document)
        verdicts.append(True)
        for _ in range(3):
            candidate = json.loads(json.dumps(data.draw(mutated(place, document))))
            verdict = definition.schema_accepts(candidate)
            assert definition.class_accepts(candidate) is verdict
            assert definition.runtime_accepts(candidate) is verdict
            verdicts.append(verdict)

    agree()

    assert sum(verdicts) / len(verdicts) >= LEAST_ACCEPTED
    assert not all(verdicts), "no mutation was refused"


@pytest.mark.parametrize("title", DEFINITIONS)
def test_all_validators_agree_on_every_property(title: str) -> None:
    """What chance may miss: each keyword of each property, on documents that have them all."""
    definition = DEFINITIONS[title]
    place = place_of(definition)

    @SWEEP
    @given(valid(place, full=True))
    def agree(document: object) -> None:
        for mutation in mutations(place, document):
            candidate = json.loads(json.dumps(mutation))
            verdict = definition.schema_accepts(candidate)
            assert definition.class_accepts(candidate) is verdict, candidate
            assert definition.runtime_accepts(candidate) is verdict, candidate

    agree()
