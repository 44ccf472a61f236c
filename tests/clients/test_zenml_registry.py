"""ZenML's MLflow model-registry flavor with Headwater as its registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

from headwater import Headwater
from tools.environment import environment
from tools.headwater_server import headwater
from tools.mlflow_server import environ_of

_SCRIPT = Path(__file__).with_name("zenml_registry.py")
# What the flavor itself loads of ZenML's integration; scikit-learn's files differ by version.
REQUIREMENTS = ("zenml[local]==0.98.0", "mlflow==3.17.2", "scikit-learn==1.7.2")


def test_the_flavor_registers_lists_promotes_and_deletes_versions(tmp_path: Path) -> None:
    python = environment("zenml", *REQUIREMENTS)
    zenml = {
        "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_ENABLE_RICH_TRACEBACK": "false",
        "HOME": str(tmp_path),  # where it would leave settings
    }
    with headwater(tmp_path) as registry:
        done = subprocess.run(
            [python, _SCRIPT, registry],
            env={**environ_of(), **zenml},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
        with Headwater(registry) as hw:
            names = [each.name for each in hw.list("mlmodel", include="all")]
    assert len(names) == 1
