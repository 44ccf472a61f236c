"""A real server in a process of its own, for tests that go over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def running_server(store: str, *options: str) -> Iterator[str]:
    """Serve a store on a free port while the block runs; yield the address."""
    serve = ("serve", "--store", store, "--port", "0", *options)
    command = [sys.executable, "-m", "headwater", *serve]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=clean_environ()
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, f"the server did not start: {line!r}"
            yield found[0]
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:  # else leaving the block would wait for good
                server.kill()
                raise


def clean_environ(**variables: str) -> dict[str, str]:
    """The environment without what is meant for another Headwater."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("HEADWATER_")}
    return {**kept, **variables}
