"""One of many processes that move a version of a model into production at the same instant."""

from __future__ import annotations

from typing import Any

from headwater.catalog import Actor, CatalogService
from headwater.errors import ConflictError
from headwater.lineage import derive
from headwater.store import open_store

ME = Actor()


def promote(url: str, version_id: str, force: bool, barrier: Any, told: Any) -> None:
    """Open the store, wait for all others, promote, and tell what came of it."""
    store = open_store(url)
    catalog = CatalogService(store, derive=derive)
    catalog.model_versions.get(version_id)
    barrier.wait(timeout=300)
    try:
        catalog.model_versions.set_stage(version_id, "production", actor=ME, force=force)
    except ConflictError as error:
        told.put((version_id, error.message))
    except BaseException as error:
        told.put((version_id, repr(error)))
        raise
    else:
        told.put((version_id, None))
    finally:
        store.close()
