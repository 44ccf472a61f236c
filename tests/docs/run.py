"""Running the blocks of one page, one after another, as somebody would who reads it.

All of a page shares a folder, the shell's variables, Python's names and a server, which is started
where the page says ``headwater serve``, else when it is needed first. ``http://127.0.0.1:8585`` and
``neo4j://user:password@host:7687`` stand for addresses that are there; ``…`` in what is printed for
anything.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import neo4j
import yaml

from headwater import Headwater
from headwater.store.neo4j.url import parse_url
from tests.docs.markdown import ROOT, Block
from tests.sdk.server import clean_environ, running_server

LOCAL = "http://127.0.0.1:8585"
PUBLIC = "https://catalog.example.com"
NEO4J = "neo4j://user:password@host:7687"

_STRICT = """set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }"""


class PageRun:
    """One page under way; use it in a ``with`` block.

    Args:
        page: The Markdown file.
        folder: An empty folder to work in.
        neo4j_url: Asked when the page names a Neo4j.
    """

    def __init__(self, page: Path, folder: Path, neo4j_url: Callable[[], str]) -> None:
        self._page, self._folder, self._neo4j_url = page, folder, neo4j_url
        self._server = ExitStack()
        self._url = ""
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._environ = clean_environ(PYTHONPATH=str(ROOT), PYTHONIOENCODING="utf-8")
        commands = Path(sys.executable).parent
        self._environ["PATH"] = f"{commands}{os.pathsep}{self._environ['PATH']}"
        self._printed: str | None = None

    def __enter__(self) -> PageRun:
        return self

    def __exit__(self, *_: object) -> None:
        for value in self._names.values():
            if isinstance(value, Headwater):
                value.close()
        self._server.close()

    def run(self, block: Block) -> None:
        """Run a block and hold it to what the page says of it."""
        printed, self._printed = self._printed, None
        match block.language:
            case "python":
                self._printed = self._python(block)
            case "sh":
                self._printed = self._shell(block.text)
            case "console":
                self._console(block.text)
            case "text" if printed is not None:
                same(printed, block.text)
            case "text":
                pass  # a drawing, or what a file holds
            case "cypher":
                self._cypher(block)
            case "json" | "yaml":
                self._data(block)
            case "sql" if block.file:
                self._keep(block.file, block.text)
            case other:
                raise AssertionError(f"nothing runs a block of {other!r}; say why it is not run")

    def _python(self, block: Block) -> str:
        text = self._there(block.text)
        source = compile("\n" * (block.line - 1) + text, str(self._page), "exec")
        printed = io.StringIO()
        environ = patch.dict(os.environ, self._environ, clear=True)
        with chdir(self._folder), environ, redirect_stdout(printed):
            exec(source, self._names)  # noqa: S102  (that is what is tested)
        return printed.getvalue()

    def _console(self, text: str) -> None:
        """Run each command after a ``$``; what follows up to the next is what it prints."""
        for command, shown in re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", text, re.M):
            same(self._shell(command + "\n"), shown)

    def _shell(self, text: str) -> str:
        """Run commands, each server apart; return what the last run of others printed."""
        printed = ""
        for part in re.split(r"^(headwater serve .*|headwater serve)\n", text, flags=re.M):
            if part.startswith("headwater serve"):
                self._serve(shlex.split(self._replaced(part), comments=True)[2:])
            elif part.strip():
                printed = self._bash(self._there(part))
        return printed

    def _bash(self, text: str) -> str:
        kept = self._folder / ".environ"
        script = f"{_STRICT}\n{text}\nenv -0 > {shlex.quote(str(kept))}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder, env=self._environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        pairs = kept.read_text(encoding="utf-8").split("\0")[:-1]
        self._environ = dict(pair.split("=", 1) for pair in pairs)
        return done.stdout

    def _serve(self, options: list[str]) -> None:
        self._server.close()
        with chdir(self._folder), patch.dict(os.environ, {"PYTHONPATH": str(ROOT)}):
            if "--store" not in options:
                options = ["--store", "sqlite:///headwater.db", *options]
            at = options.index("--store")
            store, rest = options[at + 1], options[:at] + options[at + 2 :]
            url = self._server.enter_context(running_server(store, *rest))
        self._url = url.replace("//0.0.0.0:", "//127.0.0.1:")
        self._environ["HEADWATER_URL"] = self._url

    def _cypher(self, block: Block) -> None:
        address = parse_url(self._neo4j_url())
        with neo4j.GraphDatabase.driver(address.uri, auth=address.auth) as driver:
            rows, _, _ = driver.execute_query(block.text)
        found = [[_cell(value) for value in row.values()] for row in rows]
        assert found == block.table, f"it answers {found}; the page says {block.table}"

    def _data(self, block: Block) -> None:
        if block.language == "json":
            json.loads(block.text)
        else:
            list(yaml.safe_load_all(block.text))
        if block.file:
            self._keep(block.file, block.text)

    def _keep(self, file: str, text: str) -> None:
        path = self._folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _there(self, text: str) -> str:
        """The text with addresses that are there; a server is started for one that asks for it."""
        asks = re.search(r"^headwater (?!.*--store)|\(headwater (?!.*--store)", text, re.M)
        if not self._url and (asks or LOCAL in text or PUBLIC in text):
            self._serve([])
        return self._replaced(text)

    def _replaced(self, text: str) -> str:
        text = text.replace(LOCAL, self._url).replace(PUBLIC, self._url)
        return text.replace(NEO4J, self._neo4j_url()) if NEO4J in text else text


def same(printed: str, shown: str) -> None:
    """Hold what was printed to what a page shows of it; spaces at the ends of lines do not count.

    Nothing shown: nothing is held.
    """
    if not shown.strip():
        return
    pattern = ".*?".join(re.escape(part) for part in _trimmed(shown).split("…"))
    if not re.fullmatch(pattern, _trimmed(printed), re.S):
        raise AssertionError(f"it prints\n{printed}\nand the page shows\n{shown}")


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def _cell(value: Any) -> str:
    """A value of a result as the tables of pages have it."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
