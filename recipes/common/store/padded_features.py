"""Clips of several lengths as one array that is never whole in memory."""

from collections.abc import Iterator, Sequence

import numpy as np


class PaddedFeatures:
    """Array `(clips, frames, mels)` whose clips are padded with zeros one by one, when asked for.

    Args:
        clips: Arrays `(frames, mels)`, at least one.
        frames: Frames after padding.

    Attributes:
        shape: `(clips, frames, mels)`.
        ndim: 3.
        dtype: That of the clips.
    """

    def __init__(self, clips: Sequence[np.ndarray], frames: int):
        self._clips = clips
        self.shape = (len(clips), frames, clips[0].shape[1])
        self.ndim = 3
        self.dtype = clips[0].dtype

    def __len__(self) -> int:
        """Number of clips."""
        return self.shape[0]

    def __getitem__(self, number: int) -> np.ndarray:
        """One clip `(frames, mels)`, padded."""
        clip = self._clips[number]
        return np.pad(clip, ((0, self.shape[1] - len(clip)), (0, 0)))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number] for number in range(len(self)))
