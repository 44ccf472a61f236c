"""Artifacts on S3, through fsspec's s3fs and a server that speaks it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.docs.markdown import ROOT
from tools.environment import environment
from tools.headwater_server import headwater

_SCRIPT = Path(__file__).with_name("s3_artifacts.py")
REQUIREMENTS = (
    "moto[server]==5.2.5", "s3fs==2026.9.0", "httpx==0.28.1", "pandas==3.1.1", "pyarrow==26.0.1",
    "pydantic==2.14.4",
)  # fmt: skip


def test_artifacts_of_a_pipeline_lie_on_s3(tmp_path: Path) -> None:
    python = environment("s3", *REQUIREMENTS)
    with headwater(tmp_path) as url:
        done = subprocess.run(
            [python, _SCRIPT, url],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
