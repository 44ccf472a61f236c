"""Settings from the environment."""

from __future__ import annotations

import pytest

from headwater.errors import InvalidInputError
from headwater.settings import Settings


def test_nothing_set_gives_the_defaults() -> None:
    settings = Settings.from_env(environ={})
    assert (settings.store, settings.host, settings.port) == (
        "sqlite:///headwater.db",
        "127.0.0.1",
        8585,
    )


def test_variables_are_read_and_empty_ones_are_not_set() -> None:
    environ = {"HEADWATER_STORE": "a.db", "HEADWATER_PORT": "80", "HEADWATER_HOST": ""}
    settings = Settings.from_env(environ=environ)
    assert (settings.store, settings.host, settings.port) == ("a.db", "127.0.0.1", 80)


def test_what_is_passed_stands_above_the_environment() -> None:
    environ = {"HEADWATER_STORE": "a.db", "HEADWATER_PORT": "80"}
    settings = Settings.from_env(environ=environ, store="b.db", port=None)
    assert (settings.store, settings.port) == ("b.db", 80)


def test_days_are_read() -> None:
    assert Settings.from_env(environ={}).events_keep_days is None
    environ = {"HEADWATER_EVENTS_KEEP_DAYS": "90"}
    assert Settings.from_env(environ=environ).events_keep_days == 90


@pytest.mark.parametrize("text", ["x", "0", "-1", "36501", "1.5", "\u0663", "1" * 5000])
def test_bad_days_name_the_variable(text: str) -> None:
    with pytest.raises(InvalidInputError, match="HEADWATER_EVENTS_KEEP_DAYS"):
        Settings.from_env(environ={"HEADWATER_EVENTS_KEEP_DAYS": text})


@pytest.mark.parametrize("text", ["x", "-1", "65536", "8585.0", "\u0663", "1" * 5000])
def test_a_bad_port_names_the_variable(text: str) -> None:
    with pytest.raises(InvalidInputError, match="HEADWATER_PORT"):
        Settings.from_env(environ={"HEADWATER_PORT": text})


@pytest.mark.parametrize("text", ["a b/", "latest", "v2", "a.b", "x" * 256])
def test_a_word_that_is_no_alias_names_the_variable(text: str) -> None:
    with pytest.raises(InvalidInputError, match="HEADWATER_MLFLOW_ALIAS"):
        Settings.from_env(environ={"HEADWATER_MLFLOW_ALIAS": text})


@pytest.mark.parametrize("text", ["live", "none", "prod-eu_1"])
def test_an_alias_is_taken(text: str) -> None:
    assert Settings.from_env(environ={"HEADWATER_MLFLOW_ALIAS": text}).mlflow_alias == text
