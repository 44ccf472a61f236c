"""What a configuration of sources may say, and how its faults are told."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import InvalidInputError
from headwater.connectors.config import check_config
from headwater.connectors.sql import Config

ENVIRON = {"URL": "sqlite:///shop.db", "PASSWORD": "s3cret"}


def check(*sources: Any) -> list[Any]:
    return check_config({"sources": list(sources)}, environ=ENVIRON)


def faults(*sources: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        check(*sources)
    return {fault["pointer"]: fault["message"] for fault in caught.value.errors}


def test_secrets_come_from_the_environment() -> None:
    (source,) = check({"type": "sql", "url": "env:URL", "password": "env:PASSWORD"})
    assert isinstance(source, Config)
    assert (source.url, source.password) == ("sqlite:///shop.db", "s3cret")
    assert source.service_name == "sqlite"


@pytest.mark.parametrize(
    ("source", "pointer", "message"),
    [
        ({"type": "sql", "url": "env:NOWHERE"}, "/sources/0/url", "no variable 'NOWHERE'"),
        ({"type": "sql", "url": "sqlite://", "password": "x"}, "/sources/0/password", "env:NAME"),
        ({"type": "sql", "url": "postgresql://me:x@db/shop"}, "/sources/0/url", "env:NAME"),
        ({"type": "sql", "url": "oracle://db/x?Password=y"}, "/sources/0/url", "env:NAME"),
        ({"type": "sql"}, "/sources/0/url", "required"),
        ({"type": "sql", "url": "env:URL", "urll": ""}, "/sources/0/urll", "include, exclude"),
        ({"type": "sql", "url:": "env:URL"}, "/sources/0/url:", "a colon too many behind url"),
        ({"type:": "sql"}, "/sources/0/type:", "a colon too many behind type"),
        (
            {"type": "sql", "url": "env:URL", "include": "*.t"},
            "/sources/0/include",
            "must be a list of patterns",
        ),
        (
            {"type": "sql", "url": "env:URL", "statements": "load.sql"},
            "/sources/0/statements",
            "must be a list of files, folders or patterns",
        ),
        ({"type": "oracle of delphi"}, "/sources/0", "a source has a `type:`"),
        ("sql", "/sources/0", "a source has a `type:`"),
    ],
)
def test_every_fault_has_its_place(source: Any, pointer: str, message: str) -> None:
    found = faults(source)
    assert message in found[pointer]
    assert "s3cret" not in str(found)


def test_a_fault_is_told_in_its_own_words() -> None:
    assert faults({"type": "dbt", "service": "shop"}) == {
        "/sources/0": "project_dir or manifest is needed"
    }


def test_a_service_has_a_name_that_is_seen() -> None:
    for name in ("", " ", "\u200b", "a\nb", "x" * 257):
        source = {"type": "mlflow", "tracking_uri": "http://m/", "service": name}
        assert "name" in faults(source)["/sources/0/service"], name


def test_two_sources_of_one_service_are_told_apart() -> None:
    source = {"type": "sql", "url": "env:URL"}
    assert "listed twice" in faults(source, source)["/sources/1"]
    assert len(check(source, source | {"service": "other"})) == 2


def test_a_doubled_colon_behind_sources_is_told() -> None:
    with pytest.raises(InvalidInputError, match="this one has 'sources:'"):
        check_config({"sources:": []})


def test_sources_of_other_services_need_no_variable() -> None:
    shop = {"type": "sql", "service": "shop", "url": "env:URL"}
    other = {"type": "sql", "service": "other", "url": "env:NOWHERE"}
    models = {"type": "mlflow", "service": "models", "tracking_uri": "env:NOWHERE"}
    unnamed = {"type": "sql", "url": "env:NOWHERE"}  # its name follows from its URL
    project = {"type": "dbt", "service": "shop", "project": "a", "project_dir": "env:NOWHERE"}
    config = {"sources": [other, shop, models, unnamed, project]}
    (found,) = check_config(config, environ=ENVIRON, only=["shop"])
    assert found.service_name == "shop"
    with pytest.raises(InvalidInputError) as caught:
        check_config(config, environ=ENVIRON, only=["shop", "other"])
    assert [fault["pointer"] for fault in caught.value.errors] == ["/sources/0/url"]
    with pytest.raises(InvalidInputError) as caught:
        check_config(config, environ=ENVIRON, only=["sqlite"])
    assert [fault["pointer"] for fault in caught.value.errors] == ["/sources/3/url"]
    named_by_url = {"sources": [other, {"type": "sql", "url": "env:URL"}]}
    (found,) = check_config(named_by_url, environ=ENVIRON, only=["sqlite"])
    assert found.service_name == "sqlite"


@pytest.mark.parametrize("config", [None, [], {}, {"sources": []}, {"sources": [{}], "x": 1}])
def test_what_is_no_configuration_is_refused(config: Any) -> None:
    with pytest.raises(InvalidInputError):
        check_config(config)


def test_patterns_choose_tables() -> None:
    (source,) = check(
        {"type": "sql", "url": "env:URL", "include": ["main.*"], "exclude": ["*.tmp_*"]}
    )
    assert source.wants("main", "orders")
    assert not source.wants("main", "tmp_orders")
    assert not source.wants("raw", "orders")
