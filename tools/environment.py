"""Environments of foreign clients and servers, each with its own packages, cached by what they are.

They lie outside the checkout, beside the cache of Neo4j, and are made once.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from headwater.testing.neo4j.install import InstallError, cache, locked


def environment(name: str, *requirements: str) -> Path:
    """Return the Python of an environment with these packages, made where it is not there.

    Args:
        name: For people who look into the cache.
        requirements: As pip takes them, with exact versions, so that the same is installed again.

    Raises:
        InstallError: They cannot be installed here; the message has pip's words.
    """
    text = "\n".join((sys.version, *requirements))
    folder = cache() / "environments" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    done = folder / ".done"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
            run = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
            if run.returncode:
                raise InstallError(
                    f"pip could not install {requirements[0]}:\n{run.stderr[-2000:]}"
                )
            done.touch()
    return python
