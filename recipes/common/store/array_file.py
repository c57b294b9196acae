"""Memory-mapped arrays that can be sent to other processes."""

from pathlib import Path

import numpy as np


class ArrayFile:
    """A `.npy` file that is mapped here, and anew in every process that it is sent to.

    Pages of the file that are read count as memory of the process until the system needs them
    for something else; it can take them back at any time.

    Args:
        path: The file.
        rows: How many rows it must have.

    Attributes:
        array: The array, read-only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or has another number of rows.
    """

    def __init__(self, path: Path, rows: int):
        self._path, self._rows = path, rows
        self.array = self._mapped()

    def _mapped(self) -> np.ndarray:
        array = np.load(self._path, mmap_mode="r", allow_pickle=False)
        if len(array) != self._rows:
            raise ValueError(
                f"'{self._path}' must have {self._rows} rows. Received: {len(array)}. The store "
                "was built anew or damaged: open it again, or build it again"
            )
        return array

    # A pickled memory map would be a copy of the file.
    def __getstate__(self):
        return self._path, self._rows

    def __setstate__(self, state):
        self._path, self._rows = state
        self.array = self._mapped()
