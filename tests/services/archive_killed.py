"""A process that exports or imports and kills itself half way; ``test_archive_kill.py`` starts it.

Arguments: ``export`` or ``import``, the store's URL, the archive, and at which row of which section
(``check``: of the first reading) the end comes.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from headwater.catalog.archive import export_catalog, import_catalog
from headwater.store import open_store


class Killer:
    """Kills the process when it is told of the last row."""

    def __init__(self, section: str, rows: int) -> None:
        self._section, self._left = section, rows

    def __call__(self, section: str) -> None:
        self._left -= section == self._section
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    what, url, file, section, rows = sys.argv[1:]
    watch = Killer(section, int(rows))
    if what == "export":
        export_catalog(open_store(url), Path(file), watch=watch)
    else:
        import_catalog(open_store(url, to_fill=True), Path(file), watch=watch)
