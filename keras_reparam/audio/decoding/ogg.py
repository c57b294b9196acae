"""Ogg files: Vorbis, Opus, FLAC and Speex (RFC 3533)."""

import dataclasses
import struct
from collections.abc import Iterator
from typing import BinaryIO

from keras_reparam.audio.decoding.checksum import checksum
from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.flac import with_count
from keras_reparam.audio.decoding.view import View, read_at, size_of

_HEAD = 27
_FIRST, _LAST = 2, 4
_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_NO_POSITION = 2**64 - 1


@dataclasses.dataclass
class _Page:
    start: int
    length: int
    flags: int
    position: int
    serial: int
    segments: bytes

    @property
    def body(self) -> int:
        return self.start + _HEAD + len(self.segments)

    @property
    def holds_data(self) -> bool:
        return any(self.segments)

    @property
    def is_continued(self) -> bool:
        """Whether its last packet goes on in another page."""
        return self.segments[-1:] == b"\xff"


class _Stream:
    """The pages of one stream of packets, of which only where they lie is kept."""

    def __init__(self, first: _Page) -> None:
        self.first = self.last = first
        self.before = 0
        self.trimmed: int | None = None
        self.ranges: list[tuple[int, int]] = []
        self.add(first)

    def add(self, page: _Page) -> None:
        if not page.holds_data:
            # VLC ends a file by an empty page. Its position says where the samples end.
            self.trimmed = page.position if page.flags & _LAST else self.trimmed
            return
        start, length = self.ranges[-1] if self.ranges else (page.start, 0)
        if start + length == page.start:
            self.ranges[-1:] = [(start, length + page.length)]
        else:
            self.ranges.append((page.start, page.length))
        if self.last.position != _NO_POSITION:
            self.before = self.last.position
        self.last, self.trimmed = page, None

    @property
    def is_cut(self) -> bool:
        """Whether its last packet has no end, or nothing follows its headers, at position 0."""
        headers_alone = self.last.position == 0 and not self.last.flags & _LAST
        return self.last.is_continued or (headers_alone and self.trimmed is None)

    def view(self, file: BinaryIO) -> View:
        """All of its samples for libsndfile, which wants the last page to be marked."""
        start, length = self.ranges[-1]
        ranges = [*self.ranges[:-1], (start, length - self.last.length)]
        pieces = [*self._header(file, ranges), self._last_page(file)]
        # Where the last page's position is wrong, so is the length that libsndfile tells.
        return View(file, pieces, counted=False)

    def _header(
        self, file: BinaryIO, ranges: list[tuple[int, int]]
    ) -> Iterator[bytes | tuple[int, int]]:
        """The ranges, the first page mended if it is FLAC's and does not know the length."""
        page = read_at(file, self.first.start, self.first.length)
        body = page[_HEAD + len(self.first.segments) :]
        info = with_count(body[17:51], self._end()) if body.startswith(b"\x7fFLAC") else None
        if info is None or self.first is self.last:
            yield from ranges
            return
        yield _with_checksum(page[: -len(body)] + body[:17] + info + body[51:])
        start, length = ranges[0]
        yield start + len(page), length - len(page)
        yield from ranges[1:]

    def _last_page(self, file: BinaryIO) -> bytes:
        page = bytearray(read_at(file, self.last.start, self.last.length))
        page[5] |= _LAST
        struct.pack_into("<Q", page, 6, self._end())
        return _with_checksum(page)

    def _end(self) -> int:
        """Position of the last sample, as far as the file says it."""
        position = self.last.position
        if position == _NO_POSITION or position < self.before:
            # Further than any page reaches: then nothing is cut off.
            position = self.before + 2**24
        if self.trimmed is not None and self.before < self.trimmed < position:
            return self.trimmed
        return position


def parse_ogg(file: BinaryIO, start: int) -> Container | None:
    """The audio of an Ogg file; of several streams, those that follow each other.

    A last page that is not marked as the last, or that is empty, is no fault: Android's and VLC's
    files end so. A file cut between two pages looks the same. What is cut inside a page, or
    inside a packet, is truncated.

    Returns:
        `None` if there is no audio that libsndfile might know.
    """
    size = size_of(file)
    streams: list[_Stream] = []
    beginning = cut = False
    for page in _pages(file, start, size):
        cut = page.start + page.length > size
        if cut:
            break
        if page.flags & _FIRST:
            # Streams that begin together are one recording: sound and, for instance, pictures.
            is_audio = read_at(file, page.body, 8).startswith(_CODECS)
            if is_audio and not (beginning and streams):
                streams.append(_Stream(page))
            beginning = bool(streams)
            continue
        if streams and page.serial == streams[-1].first.serial:
            streams[-1].add(page)
            beginning = False
    if not streams:
        return None
    cut |= any(stream.is_cut for stream in streams)
    return Container([stream.view(file) for stream in streams], cut)


def _pages(file: BinaryIO, position: int, size: int) -> Iterator[_Page]:
    """The pages, the last of which may be cut; what lies between them is passed over."""
    while position < size:
        head = read_at(file, position, _HEAD)
        if not head.startswith(b"OggS"):
            position = _next_page(file, position + 1)
            continue
        segments = file.read(head[26]) if len(head) == _HEAD else b""
        if len(head) < _HEAD or len(segments) < head[26]:
            yield _Page(position, _HEAD + 255, 0, 0, -1, b"")
            return
        flags, granule, serial = struct.unpack_from("<BQI", head, 5)
        length = _HEAD + len(segments) + sum(segments)
        yield _Page(position, length, flags, granule, serial, segments)
        position += length


def _next_page(file: BinaryIO, position: int) -> int:
    """Where the next page begins; the file's end if there is none."""
    while block := read_at(file, position, 2**16):
        found = block.find(b"OggS")
        if found >= 0:
            return position + found
        # The mark may lie across the edge of two blocks.
        position += max(1, len(block) - 3)
    return position


def _with_checksum(page: bytes | bytearray) -> bytes:
    page = bytearray(page)
    page[22:26] = bytes(4)
    struct.pack_into("<I", page, 22, checksum(page, 0x04C11DB7, 32))
    return bytes(page)
