"""Every block of the README and of the pages in docs/ runs; every link leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import GENERATED, PAGES, ROOT, anchors, blocks, links
from tests.docs.run import NEO4J, PageRun, same

NOT_RUN = 12
"""How many blocks say that they cannot run. Few; each has its reason in the page."""


def runs(page: Path) -> bool:
    return page.parent != GENERATED and bool(blocks(page))


def _parameter(page: Path) -> object:
    asks = any(NEO4J in block.text or block.language == "cypher" for block in blocks(page))
    marks = [pytest.mark.neo4j] if asks else []
    return pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


@pytest.mark.parametrize("page", [_parameter(page) for page in PAGES if runs(page)])
def test_every_block_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with PageRun(page, tmp_path, lambda: str(request.getfixturevalue("neo4j_url"))) as run:
        for block in blocks(page):
            if block.not_run:
                print(f"{page.name}:{block.line} is not run: {block.not_run}")  # noqa: T201
                continue
            try:
                run.run(block)
            except Exception as error:
                error.add_note(f"in the block at {page.relative_to(ROOT)}:{block.line}")
                raise


def test_few_blocks_are_not_run() -> None:
    reasons = [f"{p.name}:{b.line}: {b.not_run}" for p in PAGES for b in blocks(p) if b.not_run]
    assert len(reasons) == NOT_RUN, "\n".join(reasons)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    pages = {page for page in PAGES if "adr" not in page.parts}
    assert pages - linked == {ROOT / "README.md"}


def test_what_is_printed_is_held_to_what_is_shown() -> None:
    same("a  \nb 12\n", "a\nb …\n")
    with pytest.raises(AssertionError):
        same("a\nb\n", "a\n")
