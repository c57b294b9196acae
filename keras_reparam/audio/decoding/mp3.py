"""MP3 files, and those of MPEG's layers I and II."""

import dataclasses
from collections.abc import Iterator
from typing import BinaryIO

from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.view import View, read_at, size_of

# Kilobits per second by (version 1?, layer), then by the header's index.
_BITRATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_BITRATES[False, 3] = _BITRATES[False, 2]
_RATES = (44100, 48000, 32000)
# What of a frame is read to know it, and the table of contents that it may be.
_HEAD = 64


@dataclasses.dataclass(frozen=True)
class _Frame:
    """A frame; those of one `kind` can be decoded one after another."""

    kind: tuple[int, int, int, bool]
    length: int
    # How many frames follow by its own account, if it is a table of contents; -1: it doesn't say.
    contents: int | None
    # Whether it needs no data from the frames before it, as the first one of a file.
    is_fresh: bool


class _Run:
    """Frames of one kind, and the table of contents before them, if there is any."""

    def __init__(self, kind: tuple[int, int, int, bool], contents: int | None) -> None:
        self.kind = kind
        self.contents = contents
        self.count = 0
        self.ranges: list[tuple[int, int]] = []
        self._table: tuple[int, int] | None = None

    def ends_before(self, frame: _Frame) -> bool:
        """Whether the frame is the first one of another file."""
        if frame.contents is not None or frame.kind != self.kind:
            return True
        return self.contents == self.count and frame.is_fresh

    def add(self, start: int, frame: _Frame) -> None:
        if frame.contents is not None:
            self._table = start, frame.length
            return
        self.count += 1
        before, length = self.ranges[-1] if self.ranges else (start, 0)
        if before + length == start:
            self.ranges[-1:] = [(before, length + frame.length)]
        else:
            self.ranges.append((start, frame.length))

    def view(self, file: BinaryIO) -> View:
        """The frames behind a table of contents that says how many they are.

        Without one, libmpg123 guesses their number by the first ones' bit rate, and gives no more.
        """
        if self._table and self.contents == self.count:
            return View(file, [self._table, *self.ranges])
        if self.kind[1] != 3:
            return View(file, self.ranges, counted=False)
        return View(file, [_table(read_at(file, self.ranges[0][0], 4), self.count), *self.ranges])


def _table(header: bytes, count: int) -> bytes:
    """A frame that says how many frames follow, which are as the one with this header."""
    for bitrate in range(1, 15):
        # No checksum, no padding.
        head = bytes([255, header[1] | 1, bitrate << 4 | header[2] & 0b1100, header[3]])
        frame = _frame(head)
        if frame is not None and frame.length >= _HEAD:
            gap = bytes(_side_length(head))
            body = head + gap + b"Info" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
            return body.ljust(frame.length, b"\0")
    raise AssertionError("no bit rate leaves room for the table")


def may_be_mp3(head: bytes) -> bool:
    """Whether `head` begins as a frame does."""
    # AAC's frames begin with the same bits, but for those of the layer.
    return head[:1] == b"\xff" and head[1:2] >= b"\xe0" and head[1] & 6 != 0


def parse_mp3(file: BinaryIO, start: int) -> Container | None:
    """All frames of an MP3 file: what lies between them, tags for instance, is left out.

    A file is truncated if its last frame is, or if there are fewer frames than its table of
    contents (`Xing`, `Info`) says.

    Returns:
        `None` if there are no frames.
    """
    size = size_of(file)
    runs: list[_Run] = []
    cut = False
    for position, frame in _frames(file, start, size):
        if position + frame.length > size:
            # Behind all frames that were promised, it is something else.
            cut = not runs or runs[-1].contents != runs[-1].count
            break
        if not runs or runs[-1].ends_before(frame):
            runs.append(_Run(frame.kind, frame.contents))
        runs[-1].add(position, frame)
    if not any(run.count for run in runs):
        return None
    parts = [run.view(file) for run in runs if run.count]
    return Container(parts, cut or _lacks_frames(runs))


def _lacks_frames(runs: list[_Run]) -> bool:
    """Whether any table of contents says that there are more frames than follow it."""
    follow = 0
    for run in reversed(runs):
        follow += run.count
        # One that counts itself is no fault.
        if run.contents is not None and 0.99 * run.contents - 1 > follow:
            return True
    return False


def _frames(file: BinaryIO, position: int, size: int) -> Iterator[tuple[int, _Frame]]:
    """Where the frames are, and what they are; the last one may be cut."""
    kind = None
    while position < size:
        head = read_at(file, position, _HEAD)
        frame = _frame(head)
        # What looks like another kind of frame may be anything: it needs one of its kind behind.
        if frame and (frame.kind == kind or _has_next(file, position, frame, size)):
            yield position, frame
            kind = frame.kind
            position += frame.length
        else:
            position = _after_tag(head, position) or _next_sync(file, position + 1, size)


def _has_next(file: BinaryIO, position: int, frame: _Frame, size: int) -> bool:
    end = position + frame.length
    if end == size:
        return True
    head = read_at(file, end, _HEAD)
    after = _frame(head)
    return (after is not None and after.kind == frame.kind) or _after_tag(head, end) is not None


def _next_sync(file: BinaryIO, position: int, size: int) -> int:
    while block := read_at(file, position, 2**16):
        found = block.find(b"\xff")
        if found >= 0:
            return position + found
        position += len(block)
    return size


def _after_tag(head: bytes, position: int) -> int | None:
    """Where the tag that begins here ends; `None` if none does."""
    if head.startswith(b"TAG"):
        return position + 128
    if head.startswith(b"APETAGEX"):
        return position + 32 + int.from_bytes(head[12:16], "little")
    length = id3_length(head)
    return position + length if length else None


def id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag that `head` begins with; 0 if it begins with none."""
    if len(head) < 10 or not head.startswith(b"ID3") or max(head[6:10]) > 127:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte
    return 10 + length + (10 if head[5] & 16 else 0)


def _frame(head: bytes) -> _Frame | None:
    """The frame whose header `head` begins with; free formats are passed over."""
    if len(head) < 4 or head[0] != 255 or head[1] < 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    first = version == 3
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _BITRATES[first, layer][bitrate - 1]
    if layer == 1:
        length = (12 * bits // hertz + padding) * 4
    else:
        length = (144 if first or layer == 2 else 72) * bits // hertz + padding
    mono = head[3] >> 6 == 3
    contents = _contents(head) if layer == 3 else None
    # Up to nine bits say how many bytes lie in earlier frames.
    at = 4 if head[1] & 1 else 6
    back = int.from_bytes(head[at : at + 2], "big") >> (7 if first else 8)
    return _Frame((version, layer, rate, mono), length, contents, back == 0)


def _contents(head: bytes) -> int | None:
    # A checksum may stand before it.
    at = 4 + _side_length(head) + (0 if head[1] & 1 else 2)
    if head[36:40] == b"VBRI":
        return -1
    if head[at : at + 4] not in (b"Xing", b"Info"):
        return None
    if not head[at + 7 : at + 8] or not head[at + 7] & 1:
        return -1
    return int.from_bytes(head[at + 8 : at + 12], "big")


def _side_length(head: bytes) -> int:
    mono = head[3] >> 6 == 3
    if head[1] >> 3 & 3 == 3:
        return 17 if mono else 32
    return 9 if mono else 17
