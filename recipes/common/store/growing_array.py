"""Arrays that are written to disk row by row."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

_BLOCK = 2**18


class GrowingArray:
    """A `.npy` file to which rows are appended; `finish()` writes into its header how many.

    NumPy leaves room in a header for any number of rows, so the rows never move. Writes are not
    buffered here, nor mapped into memory: the process stays small, and a full disk shows at once.

    Args:
        path: The file; made if it isn't there.
        dtype: Of the elements.
        row_shape: Shape of one row.
        rows: How many of the file's rows to keep. The others are cut off.

    Raises:
        ValueError: If the file has fewer rows.
    """

    def __init__(self, path: Path, dtype: str, *, row_shape: tuple[int, ...] = (), rows: int = 0):
        self._dtype, self._row_shape = np.dtype(dtype), row_shape
        self._row_bytes = self._dtype.itemsize * math.prod(row_shape)
        mode = "r+b" if path.exists() else "w+b"
        self._file: BinaryIO = open(path, mode, buffering=0)  # noqa: SIM115
        try:
            self.rows = 0
            self._write_header()
            start = self._file.tell()
            if self._file.seek(0, os.SEEK_END) < start + rows * self._row_bytes:
                raise ValueError(f"'{path}' must have at least {rows} rows, and has fewer.")
            self._file.truncate(start + rows * self._row_bytes)
            self._file.seek(0, os.SEEK_END)
            self.rows = rows
        except BaseException:
            self._file.close()
            raise

    def append(self, rows: np.ndarray) -> None:
        """Writes `rows`, of shape `(count, *row_shape)`, at the end."""
        if rows.dtype != self._dtype or rows.shape[1:] != self._row_shape:
            raise ValueError(
                f"Rows must be {self._dtype} of the shape {self._row_shape}. "
                f"Received: {rows.dtype} of the shape {rows.shape[1:]}"
            )
        self._write(np.ascontiguousarray(rows).tobytes())
        self.rows += len(rows)

    def sync(self) -> None:
        """Returns when everything appended is safe on disk."""
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Makes it a valid `.npy` file, safe on disk. More rows can follow."""
        self._write_header()
        self._file.seek(0, os.SEEK_END)
        self.sync()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _write_header(self) -> None:
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(
            self,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self.rows, *self._row_shape),
            },
        )

    def write(self, content: bytes) -> None:
        """What NumPy calls to write the header."""
        self._write(content)

    def _write(self, content: bytes) -> None:
        waiting = memoryview(content)
        while waiting:
            waiting = waiting[self._file.write(waiting) :]


def first_byte(file: BinaryIO) -> int:
    """Where the elements begin in an open `.npy` file that `GrowingArray` has written."""
    file.seek(0)
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return file.tell()


def int16_blocks(file: BinaryIO, first: int, samples: range) -> Iterator[np.ndarray]:
    """A range of the int16 samples that begin at byte `first` of a file, in blocks."""
    file.seek(first + 2 * samples.start)
    for start in range(samples.start, samples.stop, _BLOCK):
        yield np.frombuffer(file.read(2 * min(_BLOCK, samples.stop - start)), "int16")
