"""Reading Markdown: its fenced blocks, with what the text around them says; its links."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = ROOT / "docs" / "reference"
"""Its pages show signatures and help, which `make generate-check` holds to the code."""

_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_FILE = re.compile(r"`([\w./-]+\.\w+)`[^`]*:$")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass
class Block:
    """One fenced block of a page.

    Attributes:
        line: Where its text begins, counted from 1.
        language: As its fence says.
        file: The file that the line before it names, as in "Put this into `catalog.yaml`:".
        not_run: Why it cannot run, from a comment on the line before it.
        table: Rows of the table that follows it, without the headings.
    """

    line: int
    language: str
    text: str
    file: str | None
    not_run: str | None
    table: list[list[str]] = field(default_factory=list)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    before = ""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    for number, line in lines:
        if line.startswith("```"):
            inner = []
            for _, each in lines:
                if each == "```":
                    break
                inner.append(each + "\n")
            found.append(_block(number + 1, line[3:].strip(), "".join(inner), before))
        elif line.startswith("|") and found:
            found[-1].table.append([cell.strip() for cell in _CELL.split(line.strip("|"))])
        if line.strip():
            before = line
    for block in found:
        block.table = block.table[2:]
    return found


def links(page: Path) -> list[str]:
    """Where the links of a page lead that lead to other files or to headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in to]


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as links spell them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


def _block(line: int, language: str, text: str, before: str) -> Block:
    file, not_run = _FILE.search(before), _NOT_RUN.fullmatch(before)
    return Block(line, language, text, file and file[1], not_run and not_run[1])
