"""What a shell is given and asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Shell
from tests.sdk.server import clean_environ


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(shell: Shell, shell_name: str) -> None:
    shell.where.clear()
    script = shell("completion", shell_name).stdout
    assert "_HEADWATER_COMPLETE" in script
    assert "headwater" in script


def test_a_shell_that_this_is_not_for_is_refused(shell: Shell) -> None:
    shell.where.clear()
    assert "fish" in shell("completion", "tcsh", code=2).stderr


def test_a_shell_that_asks_is_answered_with_commands() -> None:
    environ = clean_environ(COMP_WORDS="headwater li", COMP_CWORD="1")
    environ["_HEADWATER_COMPLETE"] = "complete_bash"
    done = subprocess.run(
        [sys.executable, "-m", "headwater"],
        capture_output=True, text=True, env=environ, timeout=60, check=False,
    )  # fmt: skip
    assert sorted(done.stdout.split()) == ["lineage", "link", "list"]
