"""What has been read so far, safe from a killed process."""

import dataclasses
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recipes.common.store import layout
from recipes.common.store.growing_array import GrowingArray
from recipes.common.store.index import Piece, Source


class ReadLog:
    """Clips in the order in which they were read: `read.npy`, and `read.jsonl` as its journal.

    A line of the journal is written when the clip's samples are safe on disk; after a kill,
    samples without a line and half a line are cut off. So what the journal names is whole.

    Args:
        folder: Where the two files lie.

    Attributes:
        path: The samples.
        pieces: Where each clip lies, in the order of the file, without gaps.
    """

    def __init__(self, folder: Path):
        self.path = folder / "read.npy"
        self.pieces: dict[Source, Piece] = {}
        self._journal_path = folder / "read.jsonl"
        self._waiting: list[str] = []
        self._committed = time.monotonic()
        self._array = self._recover()
        self._journal = self._journal_path.open("ab")

    def append(self, source: Source, blocks: Iterable[np.ndarray]) -> None:
        """Writes a clip, given as int16 blocks."""
        offset = self._array.rows
        for block in blocks:
            self._array.append(block)
        piece = Piece(offset, self._array.rows - offset)
        self.pieces[source] = piece
        line = json.dumps([dataclasses.astuple(source), dataclasses.astuple(piece)])
        self._waiting.append(line + "\n")
        if time.monotonic() - self._committed >= layout.COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Returns when everything appended is safe on disk, and in the journal."""
        self._array.sync()
        self._journal.write("".join(self._waiting).encode())
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._waiting = []
        self._committed = time.monotonic()

    def finish(self) -> None:
        """Makes `path` a valid `.npy` file."""
        self._array.finish()

    def delete(self) -> None:
        """Removes both files; the journal first, since it must not outlive its samples."""
        self._journal_path.unlink()
        self.path.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._array.close()
        self._journal.close()

    def _recover(self) -> GrowingArray:
        if self._journal_path.exists():
            content = self._journal_path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            os.truncate(self._journal_path, len(whole))
            for line in whole.splitlines():
                source, piece = json.loads(line)
                self.pieces[Source(*source)] = Piece(*piece)
        try:
            rows = sum(piece.length for piece in self.pieces.values())
            return GrowingArray(self.path, "int16", rows=rows)
        except ValueError:
            # The samples have become the store's already, or were deleted by hand.
            self.pieces = {}
            self._journal_path.unlink()
            return GrowingArray(self.path, "int16")
