"""Versions of models from Python: choosing one, moving it, asking what was."""

from __future__ import annotations

import pytest

from headwater import CreateMlModel, CreateModelVersion, Headwater, MlModel, NotFoundError

YEAR_2020 = 1_577_836_800_000


@pytest.fixture
def model(hw: Headwater) -> MlModel:
    """The model ``headwater.churn`` with the versions 1 and ``spring``."""
    made = hw.create(CreateMlModel(name="churn", algorithm="Forest"))
    for name in ("1", "spring"):
        hw.create(
            CreateModelVersion(name=name, mlmodel="headwater.churn", algorithm=f"Boost {name}")
        )
    return made


def test_a_version_is_chosen_by_number_name_stage_or_alias(hw: Headwater, model: MlModel) -> None:
    assert hw.model_version(model).name == "spring"
    assert hw.model_version("headwater.churn", 1).name == "1"
    assert hw.model_version(model, 2).name == "spring"
    hw.set_alias("headwater.churn.1", "champion")
    assert hw.model_version(model, "champion").number == 1
    assert hw.delete_alias("headwater.churn.1", "champion").aliases in (None, [])
    with pytest.raises(NotFoundError):
        hw.model_version(model, "champion")


def test_production_makes_the_model_what_its_version_is(hw: Headwater, model: MlModel) -> None:
    first = hw.model_version(model, 1)
    moved = hw.set_stage(first, "production", reason="it wins", effective_at=YEAR_2020)
    assert moved.stage == "production"
    assert hw.get(MlModel, model).algorithm == "Boost 1"
    before = [*hw.events()][-1]["sequence"]
    hw.set_stage(hw.model_version(model, 2), "production", force=True)
    assert hw.model_version(model, 1).stage == "archived"
    assert hw.model_version(model, "production").number == 2
    assert hw.model_version(model, "production", as_of=before).number == 1
    moves = [(each["data"]["number"], each["data"]["to"]) for each in hw.lifecycle(model)]
    assert moves == [(2, "production"), (1, "archived"), (1, "production")]
    assert len(list(hw.lifecycle(model, limit=1))) == 1
    assert [each["number"] for each in hw.versions_in(model, "production")] == [2]
    then = hw.versions_in(model, "production", at=YEAR_2020 + 1)
    assert [each["number"] for each in then] == [1]


def test_two_versions_may_be_staged_when_asked(hw: Headwater, model: MlModel) -> None:
    for number in (1, 2):
        hw.set_stage(hw.model_version(model, number), "staging", exclusive=False)
    assert [each["number"] for each in hw.versions_in(model, "staging")] == [1, 2]


def test_versions_side_by_side_show_times_and_shortened_values(
    hw: Headwater, model: MlModel
) -> None:
    query = "SELECT *\n" + "FROM customers " * 40
    for name, at in (("a", YEAR_2020), ("b", YEAR_2020 + 1_000)):
        version = hw.add_model_version(model, {"name": name, "trainedAt": at})
        value = {"value": query if name == "a" else None}
        hw.add_records(version, "metadata", [{"key": "query", "data": value}])
    compared = hw.compare(model, ["a", "b"])
    (_, trained, query_row) = str(compared).splitlines()
    assert "2020-01-01 00:00:00 UTC" in trained
    assert "2020-01-01 00:00:01 UTC" in trained
    assert len(query_row) < 100
    assert "SELECT * FROM customers" in query_row
    (row,) = (each for each in compared.rows if each.name == "query")
    assert row.values == [query, None]
