"""The command as a process: help, exit codes, serving, pipes and terminals."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater import Headwater, __version__
from headwater.cli.main import app
from tests.cli.conftest import Shell
from tests.sdk.server import clean_environ

COMMANDS = sorted(
    [
        *("serve", "apply", "get", "list", "lineage", "impact", "path", "roots", "cycles", "link"),
        *("versions", "diff", "revert", "rename", "release", "delete", "restore", "token"),
        *("search", "events", "stage", "alias", "record", "records", "follow", "unfollow"),
        *("export", "import", "copy", "backup", "migrate", "doctor", "completion"),
        *("ingest", "models", "model", "model-registry", "resume"),
    ]
)
HEADWATER = [sys.executable, "-m", "headwater"]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADWATER, *words],
        capture_output=True,
        text=True,
        env=clean_environ(**environ),
        timeout=60,
        check=False,
    )


def test_help_lists_every_command_and_the_exit_codes() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert sorted(re.findall(r"^  ([a-z][a-z-]*)  +[A-Z]", text, re.MULTILINE)) == COMMANDS
    assert "  4 it contradicts what is stored" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).stdout
    assert re.search(rf"^  Example:\n    headwater {command}", text, re.MULTILINE)
    variables = {"serve": ["STORE", "HOST", "PORT", "EVENTS_KEEP_DAYS"]}
    variables |= {"copy": [], "completion": []}
    on_stores = ("export", "import", "backup", "migrate", "doctor")
    for name in variables.get(command, ["STORE" if command in on_stores else "URL"]):
        assert f"HEADWATER_{name}" in text


def test_the_version_is_the_package_s() -> None:
    assert run("--version").stdout == f"headwater {__version__}\n"


def test_help_loads_no_server_and_no_driver() -> None:
    code = (
        "import sys; from headwater.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert not {"fastapi", "starlette", "uvicorn", "neo4j", "sqlite3", "yaml"} & loaded


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["get", "mlmodel", "headwater.nope"], 3),
        (["diff", "mlmodel", "headwater.churn", "0.1", "9.9"], 3),
        (["lineage", "nobody"], 3),
        (["delete", "databaseService", "shop"], 4),
        (["get", "nothing", "x"], 2),
        (["get", "a", "b", "c"], 2),
        (["diff", "headwater.churn", "0.1"], 2),
        (["diff", "mlmodel", "headwater.churn", "1.0"], 2),
        (["get", "mlmodel"], 2),
        (["versions", "tables"], 2),
        (["list", "mlmodel", "--limit", "many"], 2),
        (["lineage", "headwater.churn", "--as-of", "yesterday"], 2),
        (["nonsense"], 2),
    ],
)
def test_a_failure_is_one_message_and_its_code(filled: Shell, words: list[str], code: int) -> None:
    result = filled(*words, code=code)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("Usage:")


def test_a_missing_word_is_asked_for(filled: Shell) -> None:
    assert "say which mlmodel" in filled("get", "mlmodels", code=2).stderr
    told = filled("diff", "mlmodel", "headwater.churn", "1.0", code=2).stderr
    assert "two versions of it: KIND NAME FROM TO" in told


def test_a_server_that_is_not_there_is_code_5() -> None:
    done = run("list", "mlmodel", HEADWATER_URL="http://127.0.0.1:9")
    assert done.returncode == 5
    assert done.stderr.startswith("headwater: cannot reach http://127.0.0.1:9")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    file = tmp_path / "typo.db"
    assert run("list", "mlmodel", "--store", str(file)).returncode == 3
    assert not file.exists()


def test_serve_takes_its_settings_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "headwater.db"
    environ = clean_environ(HEADWATER_STORE=f"sqlite:///{file}", HEADWATER_PORT="0")
    with subprocess.Popen(
        [*HEADWATER, "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    ) as server:
        assert server.stdout
        url = server.stdout.readline().split()[-1]
        with Headwater(url) as hw:
            assert hw.health()["version"] == __version__
        server.send_signal(signal.SIGINT)
        _, stderr = server.communicate(timeout=20)
    assert file.exists()
    assert "Traceback" not in stderr


def test_serve_refuses_an_address_that_others_reach(tmp_path: Path) -> None:
    done = run("serve", "--store", str(tmp_path / "x.db"), "--host", "0.0.0.0")  # noqa: S104  (refused)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_serve_names_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--store", str(tmp_path / "x.db"), "--port", port)
    assert done.returncode == 2
    assert port in done.stderr


def test_a_reader_that_leaves_early_ends_it_quietly(filled: Shell) -> None:
    command = subprocess.Popen(
        [*HEADWATER, "get", "mlmodel", "headwater.churn", *filled.where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environ(),
    )
    with command:
        assert command.stdout
        assert command.stderr
        command.stdout.close()
        assert command.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with pty, which is POSIX")
def test_a_terminal_folds_long_cells_and_loses_nothing(filled: Shell, hw: Headwater) -> None:
    import pty

    hw.create({"name": "n" * 120, "algorithm": "A"}, kind="mlmodel")
    ours, theirs = pty.openpty()
    environ = clean_environ(COLUMNS="60", TERM="xterm")
    words = ["list", "mlmodel", *filled.where]
    with subprocess.Popen([*HEADWATER, *words], stdout=theirs, env=environ) as command:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other side is closed
                break
            if not part:
                break
            shown += part
        command.wait(timeout=20)
    os.close(ours)
    text = re.sub(rb"\x1b\[[0-9;]*m", b"", shown).decode()
    assert text.count("n") >= 120
    assert max(len(line) for line in text.splitlines()) <= 60


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with pty, which is POSIX")
def test_a_long_apply_shows_a_bar_beside_what_goes_into_a_pipe(shell: Shell) -> None:
    import pty

    models = [f"kind: mlmodel\nname: m{n}\nalgorithm: A\n" for n in range(30)]
    file = shell.file("many.yaml", "---\n".join(models))
    ours, theirs = pty.openpty()
    environ = clean_environ(COLUMNS="80", TERM="xterm")
    words = [*HEADWATER, "apply", "-f", file, *shell.where]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environ
    ) as command:
        os.close(theirs)
        stdout, _ = command.communicate(timeout=60)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert len(stdout.splitlines()) == 30
    assert b"apply" in shown
