"""A file made of stretches of another one, and of bytes of our own."""

import bisect
import io
import os
from collections.abc import Iterable
from typing import BinaryIO


class View:
    """A file to read, in which a container's faults are mended; nothing is copied.

    Args:
        file: What is read; its position is moved.
        pieces: Bytes of our own, or (start, length) of a stretch of `file`.
        counted: Whether the number of frames that the mended header gives is the true one.
    """

    def __init__(
        self, file: BinaryIO, pieces: Iterable[bytes | tuple[int, int]], *, counted: bool = True
    ) -> None:
        self.counted = counted
        self._file = file
        self._pieces = list(pieces)
        self._starts = [0]
        for piece in self._pieces:
            length = len(piece) if isinstance(piece, bytes) else piece[1]
            self._starts.append(self._starts[-1] + length)
        self._position = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes from the position on, fewer only at the end."""
        found = []
        while size > 0 and self._position < self._starts[-1]:
            index = bisect.bisect_right(self._starts, self._position) - 1
            offset = self._position - self._starts[index]
            part = self._part(index, offset, size)
            if not part:
                break
            found.append(part)
            self._position += len(part)
            size -= len(part)
        return b"".join(found)

    def _part(self, index: int, offset: int, size: int) -> bytes:
        piece = self._pieces[index]
        if isinstance(piece, bytes):
            return piece[offset : offset + size]
        start, length = piece
        self._file.seek(start + offset)
        return self._file.read(min(size, length - offset))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves the position, and returns it."""
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._starts[-1]}
        self._position = max(0, origins[whence] + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position


def read_at(file: BinaryIO, start: int, length: int) -> bytes:
    """Bytes of a file, fewer at its end."""
    file.seek(start)
    return file.read(length)


def size_of(file: BinaryIO) -> int:
    """Length of a file in bytes."""
    return file.seek(0, io.SEEK_END)
