"""Catalogs out of stores and into them: ``export``, ``import``, ``copy``, ``backup``, ``migrate``.

These work on stores, not through a server, which may go on beside them.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.option import DEFAULT_STORE, StoreUrl, check_file, use_own_kinds
from headwater.cli.output import print_text
from headwater.cli.progress import progress
from headwater.errors import InvalidInputError
from headwater.sdk.address import address_of

if TYPE_CHECKING:
    from headwater.catalog.archive import Counts, Imported
    from headwater.store import Store

ArchiveFile = Annotated[Path, typer.Argument(metavar="FILE", help="NAME.ndjson.gz or NAME.ndjson.")]


def export(
    file: ArchiveFile,
    root: Annotated[
        str | None,
        typer.Option(metavar="KIND:NAME", help="Only this entity and everything below it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Write a catalog, or a part of it, to an archive.

    The archive has ids, versions, history, lineage, origins and records; tokens are left out. It
    is one state of the catalog, whoever writes meanwhile.

    Example:
      headwater export catalog.ndjson.gz
      headwater export churn.ndjson.gz --root mlmodel:headwater.churn --store headwater.db
    """
    from headwater.catalog.archive import export_catalog
    from headwater.store import open_store

    use_own_kinds()
    check_file(store)
    if file.exists() and not force:
        raise InvalidInputError(f"{file} is there already; name another file, or say --force")
    with closing(open_store(store)) as opened, progress() as watch:
        done = export_catalog(opened, file, root=_key(root), replace=force, watch=watch)
    print_text(f"{file}: {_counted(done.counts)}, as of sequence {done.seq}")


def import_(
    file: ArchiveFile,
    merge: Annotated[
        bool, typer.Option("--merge", help="The store may hold something: add what it lacks.")
    ] = False,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Read an archive into a store: all of it, or nothing.

    Into an empty store a catalog goes as it was, sequence numbers too. With --merge, entities that
    are not there are added; of those that are, the later state stays, and names that clash refuse
    it all.

    Example:
      headwater import catalog.ndjson.gz --store sqlite:///new.db
      headwater import churn.ndjson.gz --merge
    """
    from headwater.catalog.archive import import_archive, open_archive
    from headwater.store.factory import store_to_fill

    use_own_kinds()
    with (
        progress() as watch,
        open_archive(file, watch=watch) as archive,  # no store is made for what is none
        store_to_fill(store) as opened,
    ):
        done = import_archive(opened, archive, merge=merge, watch=watch)
        closed = _needs_tokens(opened)
    _print_import(file, done)
    if closed:
        print_text("sign-in is on, and archives hold no tokens: `headwater token create` makes one")


def copy(
    from_: Annotated[
        str, typer.Option("--from", metavar="URL", help="The store to copy; it stays as it is.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="An empty store.")],
) -> None:
    """Copy a catalog from one store to another, on the same engine or not: all of it or nothing.

    Example:
      headwater copy --from sqlite:///headwater.db --to neo4j://user:password@host:7687
    """
    from headwater.catalog.archive import copy_catalog
    from headwater.store.factory import open_store, store_to_fill

    use_own_kinds()
    check_file(from_)
    with (
        closing(open_store(from_)) as source,
        store_to_fill(to) as target,
        progress() as watch,
    ):
        counts = copy_catalog(source, target, watch=watch)
    print_text(f"copied {_counted(counts)}")


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Save a store to a file while it is used.

    Of an SQLite store it is a database that can take its place, tokens too; of a Neo4j store an
    archive for `headwater import`.

    Example:
      headwater backup headwater-2026-05-03.db
      headwater backup catalog.ndjson.gz --store neo4j://user:password@host:7687
    """
    use_own_kinds()
    check_file(store)
    _back_up(store, file)
    print_text(f"saved to {file}")


def migrate(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    backup: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A new file, to save the store to first."),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Bring a store of an older release to this one's layout, after saving it.

    What moves here from another system has a command of its own, below.

    An SQLite file is copied beside itself, a Neo4j store to an archive in the folder where the
    command runs, unless --backup names a file.

    Example:
      headwater migrate --dry-run
      headwater migrate --backup before.db --store sqlite:///headwater.db
    """
    if context.invoked_subcommand is not None:
        return
    from headwater.store.factory import changes_layout, connect_store, engine_of

    use_own_kinds()
    check_file(store)
    has_file = engine_of(store) == "sqlite"
    if has_file and backup is not None:
        _check_database_name(backup)
    with closing(connect_store(store)) as opened:
        steps = opened.migrate(dry_run=True, backup=backup)
        if not steps:
            print_text("the store has this release's layout; there is nothing to do")
            return
        if not dry_run:
            if not has_file and (backup or changes_layout(steps)):
                backup = backup or Path(f"headwater-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ndjson.gz")
                _back_up(store, backup)
                print_text(f"saved to {backup}")
            steps = opened.migrate(backup=backup)
    for step in steps:
        print_text(f"{'would ' if dry_run else ''}{step}")


def _back_up(url: str, file: Path) -> None:
    from headwater.catalog.archive import export_catalog
    from headwater.store.factory import connect_store, copy_file, engine_of

    if engine_of(url) == "sqlite":
        _check_database_name(file)
        copy_file(url, file)
        return
    with closing(connect_store(url)) as store, progress() as watch:
        export_catalog(store, file, watch=watch)


def _check_database_name(file: Path) -> None:
    if file.name.endswith((".ndjson", ".ndjson.gz")):
        raise InvalidInputError(
            f"{file}: the backup of an SQLite store is a database, such as NAME.db; archives"
            " are written by `headwater export`"
        )


def _key(root: str | None) -> str | tuple[str, str] | None:
    """The key of an entity from its id or ``kind:fqn``."""
    if root is None:
        return None
    address = address_of(root)
    if address.id is not None:
        return address.id
    if address.kind is None:
        raise InvalidInputError(f"say of what kind {root!r} is: KIND:NAME, such as mlmodel:{root}")
    return address.kind, str(address.fqn)


def _print_import(file: Path, done: Imported) -> None:
    if done.merged is None:
        print_text(f"{file}: loaded {_counted(done.counts)}")
        return
    merged = done.merged
    print_text(
        f"{file}: added {_many(merged.added, 'entities')} with {_many(merged.entries, 'records')}"
        f" and {_many(merged.edges, 'edges')}; there and equal: {merged.same}"
    )
    for name in merged.replaced:
        print_text(f"replaced {name}: the archive's state is later")
    for name in merged.kept:
        print_text(f"kept {name}: it differs from the archive's and stays as it is")
    for name in merged.broken:
        print_text(f"broken {name}: it came, but what it leads from is gone here")


def _counted(counts: Counts) -> str:
    return ", ".join(_many(count, name) for name, count in counts.items() if count) or "nothing"


def _many(count: int, words: str) -> str:
    """How many there are of what the words say in the plural."""
    word = f"{words[:-3]}y" if words.endswith("ies") else words[:-1]
    return f"{count} {word if count == 1 else words}"


def _needs_tokens(store: Store) -> bool:
    """Whether requests need tokens and the store has none."""
    from headwater.catalog import CatalogService, TokenService
    from headwater.catalog.sign_in import is_on

    return is_on(store) and not TokenService(store, CatalogService(store)).list()
