"""What a run runs in: the machine, the process, Python, packages, and the code's version."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "headwater", "lightgbm", "numpy", "pandas", "polars", "pyarrow", "scikit-learn", "skops",
    "tensorflow", "torch", "transformers", "xgboost",
)  # fmt: skip
_MODULES = {"scikit-learn": "sklearn"}
_PATIENCE = 5.0  # seconds that git may take


def environment() -> dict[str, Any]:
    """What this process runs in; of packages, those that are loaded."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "packages": dict(filter(None, map(_package, _PACKAGES))),
    }


def code_version(function: Callable[..., Any]) -> str | None:
    """The commit of the repository that holds a function's source, where there is one."""
    git = shutil.which("git")
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    if git is None or file is None:
        return None
    command = [git, "-C", str(Path(file).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(  # noqa: S603  (git, of this process's own path)
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _package(name: str) -> tuple[str, str] | None:
    if _MODULES.get(name, name) not in sys.modules:
        return None
    try:
        return name, version(name)
    except PackageNotFoundError:  # loaded from a folder that is no installation
        return None
