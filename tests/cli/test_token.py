"""``headwater token``, on a store and against a server, and serving to others."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from headwater import AccessError, Headwater, NotSignedInError
from headwater.cli.main import app
from tests.cli.conftest import Shell
from tests.sdk.server import clean_environ, running_server

FORM = r"hw_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"


def created(shell: Shell, *words: str) -> str:
    secret = shell("token", "create", *words).stdout.strip()
    assert re.fullmatch(FORM, secret)
    return secret


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_help_of_every_command_has_an_example(command: str) -> None:
    text = CliRunner().invoke(app, ["token", command, "--help"]).stdout
    assert re.search(rf"^  Example:\n    headwater token {command}", text, re.MULTILINE)
    assert "HEADWATER_URL" in text


def test_the_first_token_is_made_with_nothing_running(shell: Shell, store: str) -> None:
    assert not Path(store).exists()
    result = shell("token", "create", "anna", "--role", "admin")
    assert re.fullmatch(FORM + "\n", result.stdout), "what a script reads is the secret alone"
    assert re.search(r"admin, person anna, until \d{4}-\d\d-\d\d", result.stderr)
    assert result.stdout.strip() not in result.stderr


def test_a_store_is_named_as_serve_names_it(shell: Shell, store: str) -> None:
    shell.where[:] = ["--store", f"sqlite:///{store}"]
    created(shell, "anna", "--role", "admin")
    assert [each["user"]["name"] for each in shell.data("token", "list")] == ["anna"]


def test_a_token_is_listed_without_its_secret(shell: Shell) -> None:
    secret = created(shell, "nightly", "--role", "editor", "--kind", "bot", "--description", "run")
    shown = shell("token", "list").stdout
    assert secret.split("_")[1] in shown
    assert secret.split("_", 2)[2] not in shown
    assert re.search(r"nightly +bot +editor +valid until .* local +run", shown)


def test_a_revoked_token_is_listed_as_such(shell: Shell) -> None:
    secret = created(shell, "anna", "--role", "viewer", "--expires-in", "never")
    token_id = secret.split("_")[1]
    assert shell.lines("token", "revoke", token_id) == [f"revoked {token_id} of anna"]
    assert re.search(r"viewer +revoked .* by local", shell("token", "list").stdout)


def test_a_secret_given_for_an_id_is_understood(shell: Shell) -> None:
    secret = created(shell, "anna", "--role", "viewer")
    assert shell.data("token", "revoke", secret)["revokedBy"] == "local"


@pytest.mark.parametrize(
    ("words", "seconds"),
    [([], 90 * 86400), (["--expires-in", "12h"], 43200), (["--expires-in", "1m"], 60)],
)
def test_how_long_a_token_lasts(shell: Shell, words: list[str], seconds: int) -> None:
    made = shell.data("token", "create", "anna", "--role", "viewer", *words)
    assert made["expiresAt"] - made["createdAt"] == seconds * 1000


@pytest.mark.parametrize("time", ["", "90", "0d", "-1d", "1y", "1 d", "ever", "9999999d", "99999d"])
def test_a_time_that_cannot_be_is_refused(shell: Shell, time: str) -> None:
    result = shell("token", "create", "anna", "--role", "viewer", "--expires-in", time, code=2)
    assert result.stdout == ""


def test_the_role_must_be_said(shell: Shell) -> None:
    assert "--role" in shell("token", "create", "anna", code=2).output


def test_revoking_what_is_not_there_is_code_3(shell: Shell) -> None:
    created(shell, "anna", "--role", "viewer")
    assert "there is no token" in shell("token", "revoke", "0123", code=3).stderr


def test_a_server_asks_for_a_token_that_was_made_beside_it(shell: Shell, store: str) -> None:
    with running_server(f"sqlite:///{store}") as url:
        with Headwater(url) as nobody:
            nobody.create({"name": "before", "algorithm": "A"}, kind="mlmodel")
        secret = created(shell, "anna", "--role", "editor")
        with Headwater(url) as nobody, pytest.raises(NotSignedInError, match="HEADWATER_TOKEN"):
            nobody.create({"name": "after", "algorithm": "A"}, kind="mlmodel")
        with Headwater(url, token=secret) as anna:
            assert anna.create({"name": "after", "algorithm": "A"}, kind="mlmodel")
            with pytest.raises(AccessError, match="the role admin"):
                anna.tokens()
        shell("token", "revoke", secret)
        with Headwater(url, token=secret) as anna, pytest.raises(NotSignedInError):
            anna.get("mlmodel", "headwater.after")


def test_the_environment_s_token_signs_in(
    shell: Shell, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = created(shell, "boss", "--role", "admin")
    with running_server(f"sqlite:///{store}") as url:
        shell.where[:] = ["--url", url]
        assert "asks for a token" in shell("list", "mlmodels", code=6).stderr
        monkeypatch.setenv("HEADWATER_TOKEN", secret)
        shell("list", "mlmodels")
        bot = created(shell, "nightly", "--role", "viewer", "--kind", "bot")
        names = [each["createdBy"] for each in shell.data("token", "list")]
        assert names == ["boss", "local"]
        with Headwater(url, token="") as nobody, pytest.raises(NotSignedInError):
            nobody.health() and nobody.get("mlmodelService", "headwater")
        with Headwater(url, token=bot) as nightly:
            assert nightly.get("mlmodelService", "headwater")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104  (what is refused, and then served)
def test_others_are_served_once_there_is_a_token(shell: Shell, store: str, host: str) -> None:
    if host == "::" and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"  # noqa: S104  (a machine without IPv6 has nothing else to listen on)
    command = [sys.executable, "-m", "headwater", "serve", "--store", store, "--port", "0"]
    command += ["--host", host]
    refused = subprocess.run(
        command, capture_output=True, text=True, env=clean_environ(), timeout=60, check=False
    )
    assert refused.returncode == 2
    assert "headwater token create" in refused.stderr
    secret = created(shell, "anna", "--role", "viewer")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environ()
    ) as server:
        assert server.stdout
        port = server.stdout.readline().rpartition(":")[2].strip()
        path = f"http://127.0.0.1:{port}/api/v1/mlmodels"
        assert httpx.get(path, headers={"Host": "catalog.example.com"}).status_code == 401
        headers = {"Host": "catalog.example.com", "Authorization": f"Bearer {secret}"}
        assert httpx.get(path, headers=headers).status_code == 200
        server.send_signal(signal.SIGINT)
        printed = server.communicate(timeout=20)
    assert not [text for text in printed if secret.split("_", 2)[2] in text]


@pytest.mark.parametrize("token", ["hw_ä", "a b", "a\nb"])
def test_what_cannot_be_sent_as_a_token_is_not_shown(
    shell: Shell, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_TOKEN", token)
    shell.where[:] = ["--url", "http://127.0.0.1:9"]
    result = shell("list", "mlmodels", code=2)
    assert "printable ASCII" in result.stderr
    assert token not in result.stderr


def test_a_store_takes_no_token_from_the_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_TOKEN", "hw_ä")
    created(shell, "anna", "--role", "admin")
