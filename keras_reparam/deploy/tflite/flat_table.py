"""Reads flatbuffers that anyone may have written: every read is checked."""

import struct

import numpy as np

_INT32, _UINT32, _UINT16, _UINT64 = map(struct.Struct, ("<i", "<I", "<H", "<Q"))
_INT8, _UINT8 = map(struct.Struct, ("<b", "<B"))
# A sound file's tables and strings are read once each, and its large constants not at all. One
# that points many times at the same large thing would keep a reader busy for hours.
_READS_PER_BYTE, _MOST_READS = 2, 1 << 27
# The least that a table or string costs.
_LEAST = 8


class FlatTable:
    """A table of a flatbuffer, read slot by slot.

    The generated code checks nothing: an offset may lead before the file's first byte, a vector
    may claim four billion elements. Here whatever does not lie inside the file raises, and all
    reads together are bounded by a multiple of the file's size, so that shared or overlapping
    parts cost no more time than sound ones.

    Args:
        content: The flatbuffer.
        position: Where the table begins.
        left: One number in a list: the bytes that may still be read, shared by all tables.

    Raises:
        ValueError: From every method, if the table is not sound.

    Reference: https://flatbuffers.dev/internals/
    """

    __slots__ = ("_content", "_left", "_position", "_slots")

    def __init__(self, content: bytes, position: int, left: list[int]) -> None:
        self._content, self._position, self._left = content, position, left
        vtable = position - self._unpack(_INT32, position)
        size = self._unpack(_UINT16, vtable)
        if size < 4 or size % 2:
            raise ValueError(f"the table at {position} has a list of fields of {size} bytes")
        self._spend(vtable, size)
        self._slots = struct.unpack_from(f"<{size // 2 - 2}H", content, vtable + 4)

    @classmethod
    def root(cls, content: bytes) -> "FlatTable":
        """The table that a flatbuffer begins with."""
        if len(content) < 8:
            raise ValueError(f"it ends after {len(content)} bytes")
        left = min(_READS_PER_BYTE * len(content), _MOST_READS)
        return cls(content, _UINT32.unpack_from(content)[0], [left])

    def int8(self, slot: int, default: int = 0) -> int:
        """A signed byte."""
        return self._scalar(_INT8, slot, default)

    def uint8(self, slot: int, default: int = 0) -> int:
        """An unsigned byte."""
        return self._scalar(_UINT8, slot, default)

    def int32(self, slot: int, default: int = 0) -> int:
        """A signed number of four bytes."""
        return self._scalar(_INT32, slot, default)

    def uint32(self, slot: int, default: int = 0) -> int:
        """An unsigned number of four bytes."""
        return self._scalar(_UINT32, slot, default)

    def uint64(self, slot: int, default: int = 0) -> int:
        """An unsigned number of eight bytes."""
        return self._scalar(_UINT64, slot, default)

    def text(self, slot: int) -> str:
        r"""A string, empty if there is none; bytes that are not UTF-8 appear as `\xNN`."""
        start, length = self.span(slot, 1)
        self._spend(start, length)
        return self._content[start : start + length].decode("utf-8", "backslashreplace")

    def numbers(self, slot: int, dtype: str) -> np.ndarray:
        """A vector of numbers, empty if there is none."""
        width = np.dtype(dtype).itemsize
        start, length = self.span(slot, width)
        self._spend(start, width * length)
        return np.frombuffer(self._content, dtype, length, start)

    def span(self, slot: int, width: int) -> tuple[int, int]:
        """(start, number of elements) of a vector whose elements take `width` bytes."""
        field = self._field(slot)
        if not field:
            return 0, 0
        start = field + self._unpack(_UINT32, field)
        length = self._unpack(_UINT32, start)
        self._check(start + 4, width * length)
        return start + 4, length

    def table(self, slot: int) -> "FlatTable | None":
        """A table inside this one."""
        field = self._field(slot)
        return self._table_at(field) if field else None

    def tables(self, slot: int) -> list["FlatTable"]:
        """A vector of tables."""
        start, length = self.span(slot, 4)
        return [self._table_at(start + 4 * index) for index in range(length)]

    def _table_at(self, field: int) -> "FlatTable":
        return FlatTable(self._content, field + self._unpack(_UINT32, field), self._left)

    def _field(self, slot: int) -> int:
        offset = self._slots[slot] if slot < len(self._slots) else 0
        return self._position + offset if offset else 0

    def _scalar(self, form: struct.Struct, slot: int, default: int) -> int:
        field = self._field(slot)
        return self._unpack(form, field) if field else default

    def _unpack(self, form: struct.Struct, position: int) -> int:
        self._check(position, form.size)
        return form.unpack_from(self._content, position)[0]

    def _check(self, position: int, size: int) -> None:
        if position < 0 or position + size > len(self._content):
            raise ValueError(
                f"{size} bytes at {position} lie outside its {len(self._content)} bytes"
            )

    def _spend(self, position: int, size: int) -> None:
        self._check(position, size)
        self._left[0] -= max(size, _LEAST)
        if self._left[0] < 0:
            raise ValueError("its parts overlap many times over")
