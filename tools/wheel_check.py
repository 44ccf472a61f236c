"""Build the wheel, install it where nothing else is, and use it as one who has only that would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds that the server has to answer

# Runs in the bare environment.
USE = """
import json, sys
import headwater
heavy = {"fastapi", "jsonschema", "networkx", "sqlalchemy", "starlette", "yaml"} & set(sys.modules)
assert not heavy, f"`import headwater` loads {heavy}"
from importlib.resources import files
from headwater.generated import CREATE_REQUESTS, ENTITIES
from headwater.schemas import check_schemas, documents, kinds
assert not check_schemas(documents())
assert set(kinds()) == set(ENTITIES) == set(CREATE_REQUESTS)
package = files("headwater")
assert (package / "py.typed").is_file()
assert any((package / "schemas" / "examples" / "valid" / "ml_model").iterdir())
print(len(documents()), "schemas,", len(kinds()), "kinds")
"""


def main() -> int:
    """Check the wheel; the first thing that fails ends it with that thing's own message."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        print("built", wheel.name)
        scripts = install(wheel, folder)
        run(scripts / "python", "-c", USE, cwd=folder)
        run(scripts / "headwater", "--help", cwd=folder, quiet=True)
        print("`headwater serve` answers:", serve(scripts / "headwater", folder))
    return 0


def build(folder: Path) -> Path:
    """The wheel of this checkout, with the build tools of this environment."""
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT,
        cwd=folder, quiet=True,
    )  # fmt: skip
    wheel = next(folder.glob("headwater-*.whl"))
    stray = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    stray = {part for part in stray if part != "headwater" and not part.endswith(".dist-info")}
    if stray:
        sys.exit(f"the wheel would also install {sorted(stray)}")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """A new environment with the wheel and what it needs; the folder of its scripts."""
    venv.create(folder / "env", with_pip=True)
    scripts = folder / "env" / "bin"
    run(
        scripts / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install",
        "--constraint", ROOT / "constraints.txt", wheel,
        cwd=folder,
    )  # fmt: skip
    return scripts


def serve(command: Path, folder: Path) -> str:
    """What ``/api/v1/health`` answers on a server that is started for it and stopped after."""
    port = free_port()
    store = f"sqlite:///{folder / 'wheel.db'}"
    process = subprocess.Popen(
        [command, "serve", "--store", store, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env=bare_environment(),
    )
    try:
        return health(f"http://127.0.0.1:{port}/api/v1/health", process)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def health(url: str, process: subprocess.Popen[bytes]) -> str:
    """Ask until there is an answer, the process ends, or patience does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (our own address)
                return json.dumps(json.load(answer))
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit(f"no answer from {url}; the server's exit status is {process.poll()}")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def bare_environment() -> dict[str, str]:
    """This environment without what would let the checkout in."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def run(*command: str | Path, cwd: Path, quiet: bool = False) -> None:
    """Run a command to its end; end with its status when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=bare_environment(),
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    if done.returncode:
        sys.exit(f"failed with {done.returncode}: {' '.join(map(str, command))}")


if __name__ == "__main__":
    sys.exit(main())
