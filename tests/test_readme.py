"""The README's Python runs as it stands, but for the server's address."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_python_blocks_run_one_after_another(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as warehouse:
        warehouse.execute("CREATE TABLE people (age INTEGER)")
        warehouse.execute("CREATE VIEW adults AS SELECT age FROM people WHERE age > 17")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    code = "\n".join(blocks).replace(
        'Headwater("http://127.0.0.1:8585")', 'Headwater.open("headwater.db")'
    )
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    script = tmp_path / "readme.py"
    script.write_text(code, encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "mlFeature headwater.churn.persona" in done.stdout
    assert "algorithm: RandomForest → XGBoost" in done.stdout
    assert "1 view columns traced" in done.stdout
