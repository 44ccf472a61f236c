"""Chunks of the tracking server's answers, put together: the same content in fewer pieces."""

from __future__ import annotations

from collections.abc import Iterator

import h11
import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.dialects.mlflow.chunk import ChunkMerger

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(parts: list[bytes]) -> bytes:
    return HEAD + b"".join(b"%X\r\n%b\r\n" % (len(each), each) for each in parts if each) + END


def pieces(merged: bytes) -> Iterator[bytes]:
    """The content, in the pieces that h11 gives it in."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(merged)
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert event is not h11.NEED_DATA
        if isinstance(event, h11.Data):
            yield bytes(event.data)


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_content_is_the_same_wherever_the_network_parts_it(
    parts: list[bytes], steps: list[int], goes_on: bool
) -> None:
    merger, at, number, merged = ChunkMerger(), 0, 0, b""
    sent = (b"HTTP/1.1 100 Continue\r\n\r\n" if goes_on else b"") + chunked(parts)
    while at < len(sent):
        step = steps[number % len(steps)]
        merged += merger.merge(sent[at : at + step])
        at, number = at + step, number + 1
    assert b"".join(pieces(merged)) == b"".join(parts)


def test_many_small_chunks_become_one() -> None:
    merger, lines = ChunkMerger(), [b"line %d\n" % number for number in range(5000)]
    assert list(pieces(merger.merge(chunked(lines)))) == [b"".join(lines)]


def test_what_has_come_of_a_chunk_goes_on_at_once() -> None:
    merger = ChunkMerger()
    assert merger.merge(HEAD) == HEAD
    assert merger.merge(b"ff\r\nhello") == b"5\r\nhello\r\n"
    assert merger.merge(b"!") == b"1\r\n!\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"5;name=value\r\nhello\r\n" + END,
        b"0\r\nTrailer: x\r\n\r\n",
        b"nonsense\r\n",
        b"+5\r\nhello\r\n",
    ],
)
def test_what_is_not_plain_goes_on_as_it_is(rest: bytes) -> None:
    merger = ChunkMerger()
    assert merger.merge(HEAD + b"1\r\na\r\n" + rest) == HEAD + b"1\r\na\r\n" + rest


def test_an_answer_that_is_not_in_chunks_goes_on_as_it_is_and_so_does_the_next() -> None:
    merger = ChunkMerger()
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1\r\na\r\nb\r\n"
    assert merger.merge(plain) == plain
    merger.reset()
    assert list(pieces(merger.merge(chunked([b"a", b"b"])))) == [b"ab"]


def test_a_chunk_that_does_not_end_where_it_says_is_refused() -> None:
    with pytest.raises(httpcore.RemoteProtocolError, match="does not end"):
        ChunkMerger().merge(HEAD + b"1\r\nabc\r\n" + END)


def test_an_answer_that_is_cut_off_is_not_taken_as_whole() -> None:
    merged = ChunkMerger().merge(chunked([b"a", b"b"])[: -len(END) - 3])
    with pytest.raises(AssertionError):
        list(pieces(merged))
