"""Records, followers and votes from Python."""

from __future__ import annotations

import pytest

from headwater import CreateMlModel, CreateUser, Headwater, InvalidInputError, MlModel


@pytest.fixture
def model(hw: Headwater) -> MlModel:
    """A model without records."""
    return hw.create(CreateMlModel(name="churn", algorithm="Forest"))


def test_metrics_are_appended_and_read_newest_first(hw: Headwater, model: MlModel) -> None:
    made = hw.add_records(model, "metric", {"key": "auc", "data": {"value": 0.9}})
    assert made[0]["data"] == {"value": 0.9}
    more = [{"key": key, "at": 5, "data": {"value": 0.8}} for key in ("auc", "f1")]
    assert len(hw.add_records("headwater.churn", "metric", more, kind=MlModel)) == 2
    assert [each["key"] for each in hw.records(model, "metric")] == ["f1", "auc", "auc"]
    assert len(list(hw.records(model, "metric", latest=True))) == 2
    assert [each["at"] for each in hw.records(model, "metric", key="auc", limit=1)] == [5]
    assert hw.get(MlModel, model).version == "0.1"


def test_all_pages_of_records_are_read(hw: Headwater, model: MlModel) -> None:
    hw.add_records(model, "usage", [{"data": {"calls": n}} for n in range(250)])
    assert [each["data"]["calls"] for each in hw.records(model, "usage")] == [*range(249, -1, -1)]


def test_a_metric_without_a_value_is_refused(hw: Headwater, model: MlModel) -> None:
    with pytest.raises(InvalidInputError) as failed:
        hw.add_records(model, "metric", [{"key": "auc"}])
    assert failed.value.errors[0]["pointer"] == "/0/data/value"


def test_records_of_many_entities_are_put_in_few_exchanges(hw: Headwater, model: MlModel) -> None:
    other = hw.create(CreateMlModel(name="other", algorithm="Forest"))
    said = [
        {"entity": entity, "type": "metric", "key": str(key), "at": 5, "data": {"value": key}}
        for key in range(600)
        for entity in (model, f"mlmodel:{other.fully_qualified_name}")
    ]
    assert hw.put_records(said) == {"appended": 1200, "unchanged": 0}
    assert hw.put_records(iter(said)) == {"appended": 0, "unchanged": 1200}
    assert len(list(hw.records(other, "metric"))) == 600
    assert hw.put_records([]) == {"appended": 0, "unchanged": 0}


def test_users_follow_and_vote(hw: Headwater, model: MlModel) -> None:
    user = hw.create(CreateUser(name="ada.l"))
    hw.follow(model, "ada.l")
    assert [each.id for each in hw.followers(model)] == [user.id]
    hw.follow(model, user.fully_qualified_name)
    hw.unfollow(model, user.id)
    assert hw.followers("mlmodel:headwater.churn") == []
    hw.vote(model, "ada.l", "up")
    assert hw.votes(model) == {"up": 1, "down": 0}
    hw.vote(model, user, "none")
    assert hw.votes(model) == {"up": 0, "down": 0}
