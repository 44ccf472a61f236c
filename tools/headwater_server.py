"""A ``headwater serve`` process for foreign clients."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def headwater(folder: Path, **environ: str) -> Iterator[str]:
    """Serve a store in a folder on a free port of this machine; yields the address."""
    store = f"sqlite:///{folder / 'headwater.db'}"
    command = [sys.executable, "-m", "headwater", "serve", "--store", store, "--port", "0"]
    with subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101  (tells the type checker)
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
