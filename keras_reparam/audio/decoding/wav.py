"""WAV files: RIFF, RIFX, RF64 and BW64."""

import struct
from typing import BinaryIO

from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.view import View, read_at, size_of

_RIFF = (b"RIFF", b"RIFX", b"RF64", b"BW64")
# Programs that write into a pipe cannot know the length, and put the largest number instead.
_UNKNOWN = 2**31 - 2**16
# Sizes that are wrong by a chunk's header or a padding byte are common, and harmless.
_HARMLESS = 64
# A chunk's size has 32 bits; what is larger needs RF64.
_LARGEST = 2**32 - 2**16


def is_wav(head: bytes) -> bool:
    """Whether a file that begins with `head` is a WAV file."""
    return head[:4] in _RIFF and head[8:12] == b"WAVE"


def parse_wav(file: BinaryIO, start: int) -> Container | None:
    """The samples of a WAV file, of several if they were written one after another.

    The size that counts is that of the chunk `data`, and only if it can be true: other sizes are
    often left as they were when the recording began.

    Returns:
        `None` if the format or the data is missing.
    """
    size = size_of(file)
    parts, truncated = [], False
    while is_wav(read_at(file, start, 12)):
        found = _part(file, start, size)
        if found is None:
            break
        view, start, short = found
        parts.append(view)
        truncated |= short
    return Container(parts, truncated) if parts else None


def _part(file: BinaryIO, start: int, size: int) -> tuple[View, int, bool] | None:
    """One WAV file, its end, and whether it is too short for its header."""
    form = read_at(file, start, 4)
    number = ">I" if form == b"RIFX" else "<I"
    kept: dict[bytes, bytes] = {}
    large = None
    position = start + 12
    while len(header := read_at(file, position, 8)) == 8:
        name, (length,) = header[:4], struct.unpack(number, header[4:])
        body = position + 8
        if name == b"data":
            if b"fmt " not in kept:
                return None
            if large is not None and length == 2**32 - 1:
                length = large
            length, short = _data_length(file, body, length, size)
            pieces = [_header(kept, length, number), (body, length)]
            return View(file, pieces), body + length + length % 2, short
        if name in (b"fmt ", b"fact"):
            kept[name] = read_at(file, body, min(length, 2**16))
        elif name == b"ds64" and length >= 16:
            (large,) = struct.unpack("<Q", read_at(file, body + 8, 8))
        position = body + length
        # An odd chunk is followed by a padding byte, which some programs forget.
        if length % 2 and not _is_name(read_at(file, position, 4)):
            position += 1
    return None


def _data_length(file: BinaryIO, body: int, promised: int, size: int) -> tuple[int, bool]:
    """How many bytes of samples there are, and whether there should be more."""
    there = size - body
    never_set = promised == 0 and not _are_chunks(file, body, size)
    if never_set or (promised > there >= 0 and promised >= _UNKNOWN):
        return there, False
    return min(promised, there), promised - there > _HARMLESS


def _are_chunks(file: BinaryIO, position: int, size: int) -> bool:
    """Whether nothing but whole chunks follows, so that an empty `data` is truly empty."""
    while position < size:
        header = read_at(file, position, 8)
        if len(header) < 8 or not _is_name(header[:4]):
            return False
        position += 8 + struct.unpack("<I", header[4:])[0]
        position += position % 2
    return position <= size + 1


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _header(kept: dict[bytes, bytes], length: int, number: str) -> bytes:
    """The plainest header for so many bytes of samples."""
    chunks = b"".join(
        name + struct.pack(number, len(body)) + body + bytes(len(body) % 2)
        for name, body in kept.items()
    )
    if length < _LARGEST:
        form = b"RIFX" if number == ">I" else b"RIFF"
        total = 4 + len(chunks) + 8 + length
        before = form + struct.pack(number, total) + b"WAVE" + chunks
        return before + b"data" + struct.pack(number, length)
    total = 4 + 36 + len(chunks) + 8 + length
    sizes = struct.pack("<IQQQI", 28, total, length, 0, 0)
    before = b"RF64" + b"\xff" * 4 + b"WAVE" + b"ds64" + sizes + chunks
    return before + b"data" + b"\xff" * 4
