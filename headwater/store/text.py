"""Words: how text is cut into what is looked for, the same for what is stored and what is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import pydantic_core

from headwater.errors import InvalidInputError
from headwater.names import split
from headwater.schemas import Kind, Shape, is_same_everywhere, kinds
from headwater.schemas.kind import Field
from headwater.store.base import Record, SearchText, Term

Document = dict[str, Any]

MAX_WORD = 64
"""Characters of a word that count; longer ones are cut, both stored and asked."""
MAX_WORDS = 10_000
"""Words of one field that are looked at: a text may be of any length, its index may not."""
MAX_TERMS = 32
FACETS = ("kind", "service", "owner", "tag", "stage")

# Where a word begins within a name: ``customerId``, ``HTTPServer``.
_HUMP = re.compile(r"[A-Z](?:(?<=[a-z0-9].)|(?<=[A-Z].)(?=[a-z]))")
_SPACED = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}
# Written without spaces: each character is a word, and words side by side are a phrase.
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    # Pictures are words too, so that what is named by one is found by it.
    "|[\u2600-\u27bf\U0001f000-\U0001faff]"
)
# Letters with a stroke or joined, which Unicode does not take apart as it does ``\u00fc``.
_PLAIN = str.maketrans(
    {"\u00e6": "ae", "\u0153": "oe", "\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d",
     "\u00fe": "th", "\u0131": "i"}
)  # fmt: skip
_KEPT_SIGNS = 20_000
_QUERY = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')
_APART = re.compile(r"[.,:;/\\|]+")


def words(text: str) -> list[str]:
    """The words of a text: ``customerId`` and ``customer_id`` are ``customer``, ``id``.

    Letters and digits in lower case without accents; they hold nothing that a query language or a
    tokenizer could take for its own.
    """
    if text.isascii():
        text = _HUMP.sub(r" \g<0>", text.translate(_SPACED)).lower()
    else:
        apart = unicodedata.normalize("NFKD", text).translate(_SIGNS)
        text = _HUMP.sub(r" \g<0>", apart).casefold().translate(_PLAIN)
    found = text.split()
    if max(map(len, found), default=0) > MAX_WORD:
        found = [word[:MAX_WORD] for word in found]
    return found


class _Signs(dict[int, str]):
    """What becomes of a sign that is taken apart: itself, another, nothing, or the end of a word.

    Found out once for each sign that is met.
    """

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if _UNSPACED.match(sign):
            out = f" {sign} "
        elif unicodedata.combining(sign) or 0xFE00 <= code <= 0xFE0F:  # accents, looks of a picture
            out = ""
        else:
            # Vowels of Indic scripts are marks.
            is_mark = unicodedata.category(sign) in ("Mn", "Mc")
            out = sign if sign.isalnum() or is_mark else " "
        if len(self) < _KEPT_SIGNS:
            self[code] = out
        return out


_SIGNS = _Signs()


def joined(*texts: str | None) -> str:
    """The words of texts as a store keeps them."""
    found = words("\n".join([text for text in texts if text]))
    return " ".join(found[:MAX_WORDS])


def terms(query: str) -> tuple[Term, ...]:
    """What a person typed, as terms: words, ``"phrases"``, ``begun*``.

    A word that is several (``customer_id``) is a phrase; a path (``orders.customer_id``) is a term
    for each of its names, because a table has more columns than one. All other signs mean nothing.

    Raises:
        InvalidInputError: More than 32 terms.
    """
    found = []
    for phrase, star, path in _QUERY.findall(query):
        *before, last = _APART.split(path) if path else [phrase]
        begun = bool(star) or path.endswith("*")
        found += [Term(cut) for text in before if (cut := tuple(words(text)))]
        if cut := tuple(words(last)):
            found.append(Term(cut, prefix=begun))
    if len(found) > MAX_TERMS:
        raise InvalidInputError(f"a search has at most {MAX_TERMS} terms, not {len(found)}")
    return tuple(found)


def search_text(kind: Kind, document: Document) -> SearchText | None:
    """What an entity of a kind is found by; None for one that is deleted."""
    if document.get("deleted"):
        return None
    name, fqn, shown = document["name"], document["fullyQualifiedName"], document.get("displayName")
    paths: list[str] = [fqn]
    texts: list[str] = [kind.title, kind.name]  # ``churn model``
    tags: list[str] = []
    _collect(kind.shape, document, paths, texts, tags)
    paths = list(dict.fromkeys(paths))
    return SearchText(
        name=joined(name, shown, *_whole([name])),
        path=joined(*paths, *_whole(paths)),
        text=joined(*texts),
        facets=_facets(kind, document, tags),
    )


def written_text(kind: Kind, document: Document) -> SearchText | Literal["document"] | None:
    """What a write says of search: nothing of its own, where whoever asks makes the same of it.

    Another process may not know what an organisation says of its kinds.
    """
    return "document" if is_same_everywhere(kind) else search_text(kind, document)


def stored_text(record: Record) -> SearchText | None:
    """What a stored state is found by, made anew; None for one whose document is no kind's."""
    which = kinds().get(record.kind)
    if which is None or record.deleted:
        return None
    try:
        return search_text(which, pydantic_core.from_json(record.document))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _whole(names: Iterable[str]) -> list[str]:
    """Names of several words in one, so that ``customerid`` finds ``customerId`` as well."""
    return [name.lower() for name in names if _HUMP.search(name)]


class _Step(NamedTuple):
    """What a field of a shape holds that is looked for."""

    field: str
    is_text: bool
    is_tags: bool
    of: Field


@lru_cache(maxsize=4096)
def _steps(shape: Shape) -> tuple[_Step, ...]:
    """The fields of a shape that are worth a look: most are not, and this is in every write."""
    steps = []
    for name, field in shape.fields.items():
        is_text = (field.searchable or name == "description") and not field.secret
        is_tags = name == "tags" and bool(field.reference)
        if is_text or is_tags or field.shape:
            steps.append(_Step(name, is_text, is_tags, field))
    return tuple(steps)


def _collect(
    shape: Shape, document: Document, paths: list[str], texts: list[str], tags: list[str]
) -> None:
    """Add the names of parts, the searchable texts and the tags at every depth."""
    for name, is_text, is_tags, field in _steps(shape):
        value = document.get(name)
        if not value:
            continue
        if is_text:
            texts += _texts(value)
        if not field.fits(value):
            continue  # of an earlier schema
        if is_tags:
            tags += [each["fullyQualifiedName"] for each in value]
        if field.shape:
            for item in value if field.is_list else (value,):
                if field.keyed_by:
                    paths.append(item[field.keyed_by])
                _collect(field.shape, item, paths, texts, tags)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _facets(kind: Kind, document: Document, tags: list[str]) -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {"kind": (kind.name,)}
    if kind.parent:
        out["service"] = (split(document["fullyQualifiedName"])[0],)
    owners = [each["fullyQualifiedName"] for each in document.get("owners", ())]
    stages = _stages(document)
    for facet, values in (("owner", owners), ("tag", tags), ("stage", stages)):
        if values:
            out[facet] = tuple(dict.fromkeys(values))
    return out


def _stages(document: Document) -> list[str]:
    """A version's stage; a model's are those that its versions have."""
    stage = document.get("stage")
    lifecycle = document.get("lifecycle")
    if isinstance(lifecycle, dict):
        return [each["stage"] for each in lifecycle.get("stages", ())]
    return [stage] if isinstance(stage, str) else []
