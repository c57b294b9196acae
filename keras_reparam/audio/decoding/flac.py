"""FLAC files whose header does not say how long they are (RFC 9639)."""

import dataclasses
from collections.abc import Iterator
from typing import BinaryIO

from keras_reparam.audio.decoding.checksum import checksum
from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.view import View, read_at, size_of

# Bits of the number of samples in the header; 0: unknown.
_COUNT = 2**36 - 1
# How far from the end the last frame is looked for: eight channels of 65,535 samples of 32 bits.
_LONGEST = 2**22
_TAG = 128


def with_count(info: bytes, count: int) -> bytes | None:
    """The header STREAMINFO with this number of samples; `None` if it has one already."""
    fields = int.from_bytes(info[10:18], "big")
    if fields & _COUNT:
        return None
    return info[:10] + (fields | min(count, _COUNT)).to_bytes(8, "big") + info[18:]


def parse_flac(file: BinaryIO, start: int) -> Container | None:
    """A FLAC file of unknown length, as programs write it into a pipe.

    Returns:
        `None` if its length is known, or there is no frame: then libsndfile reads it as it is.
    """
    info = read_at(file, start + 8, 34)
    begin, end = start + 8 + len(info), size_of(file)
    if with_count(info, 0) is None:
        return None
    if read_at(file, end - _TAG, 3) == b"TAG":
        end -= _TAG
    last = _last_frame(file, begin, end, int.from_bytes(info[2:4], "big"))
    if last is None:
        return None
    count = last.first + (last.samples if last.is_whole else 0)
    pieces = [read_at(file, start, 8), with_count(info, count), (begin, end - begin)]
    return Container([View(file, pieces)], not last.is_whole)


@dataclasses.dataclass
class _Frame:
    """A frame of `samples` samples, before which there are `first`."""

    first: int
    samples: int
    is_whole: bool = False


def _last_frame(file: BinaryIO, begin: int, end: int, block: int) -> _Frame | None:
    length = 2**16
    while length <= _LONGEST:
        length = min(length, end - begin)
        tail = read_at(file, end - length, length)
        # From the last one on; what looks like a header may be samples.
        places = list(_places(tail, b"\xff"))[::-1]
        frames = [(at, frame) for at in places if (frame := _frame(tail[at : at + 16], block))]
        for at, frame in frames:
            # With its checksum behind, a whole frame has the checksum 0.
            if checksum(tail[at:], 0x8005, 16) == 0:
                frame.is_whole = True
                return frame
        if frames or length == end - begin:
            return frames[0][1] if frames else None
        length *= 4
    return None


def _places(data: bytes, wanted: bytes) -> Iterator[int]:
    position = -1
    while (position := data.find(wanted, position + 1)) >= 0:
        yield position


def _frame(data: bytes, block: int) -> _Frame | None:
    """The frame whose header `data` begins with; `block` is the samples of the ones before it."""
    if len(data) < 6 or data[1] not in (0xF8, 0xF9):
        return None
    # A number is coded as UTF-8 codes a character, in up to seven bytes.
    ones = 8 - (data[4] ^ 0xFF).bit_length()
    at = 4 + max(1, ones)
    size, rate = data[2] >> 4, data[2] & 15
    size_length, rate_length = {6: 1, 7: 2}.get(size, 0), {12: 1, 13: 2, 14: 2}.get(rate, 0)
    length = at + size_length + rate_length + 1
    if len(data) < length or checksum(data[:length], 0x07, 8) != 0:
        return None
    number = data[4] & 0x7F >> ones
    for byte in data[5:at]:
        number = number << 6 | byte & 0x3F
    if size_length:
        samples = 1 + int.from_bytes(data[at : at + size_length], "big")
    elif size < 6:
        samples = 192 if size == 1 else 144 << size
    else:
        samples = 1 << size
    # By number of the frame, or by number of its first sample.
    return _Frame(number * block if data[1] == 0xF8 else number, samples)
