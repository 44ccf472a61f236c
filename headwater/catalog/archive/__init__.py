"""Catalogs as files, and from store to store: export, import, copy."""

from headwater.catalog.archive.file import Counts, Watch, open_archive
from headwater.catalog.archive.merge import Merged
from headwater.catalog.archive.transfer import (
    Imported,
    copy_catalog,
    export_catalog,
    import_archive,
    import_catalog,
)

__all__ = [
    "Counts",
    "Imported",
    "Merged",
    "Watch",
    "copy_catalog",
    "export_catalog",
    "import_archive",
    "import_catalog",
    "open_archive",
]
