"""Stored features of clips, by id."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from recipes.common.store.array_file import ArrayFile
from recipes.common.store.padded_features import PaddedFeatures


class StoredFeatures:
    """Features before normalisation, and masks; `Store.features` gives it.

    It can be pickled.

    Args:
        values: File with the features of all frames.
        mask: File with their mask.
        frames: Number of frames of each clip, in the order of the files.
    """

    def __init__(self, values: Path, mask: Path, frames: Mapping[str, int]):
        ends = np.cumsum(list(frames.values()))
        self._ranges = {
            clip: (int(end) - count, int(end))
            for (clip, count), end in zip(frames.items(), ends, strict=True)
        }
        self._values = ArrayFile(values, int(ends[-1]))
        self._mask = ArrayFile(mask, int(ends[-1]))

    def values(self, clip: str) -> np.ndarray:
        """Features of a clip, float16 `(frames, mels)`: a view of the file."""
        return self._values.array[slice(*self._range(clip))]

    def mask(self, clip: str) -> np.ndarray:
        """Which frames of a clip are valid, bool `(frames,)`: a view of the file."""
        return self._mask.array[slice(*self._range(clip))]

    def padded(self, clips: Iterable[str]) -> tuple[PaddedFeatures, np.ndarray]:
        """Features and mask of several clips, as `LogMel.adapt` takes them.

        `log_mel.adapt(values, mask=mask)` with the training clips' measures the statistics,
        reading one clip at a time.

        Args:
            clips: Ids of at least one clip.

        Returns:
            Features `(clips, frames, mels)`, which read a clip when it is asked for, and mask
            `(clips, frames)`. Clips that are shorter than the longest end with zeros, masked.
        """
        clips = list(clips)
        if not clips:
            raise ValueError("`clips` must name at least one clip. Received: none")
        frames = max(len(self.mask(clip)) for clip in clips)
        mask = np.zeros((len(clips), frames), bool)
        for row, clip in zip(mask, clips, strict=True):
            row[: len(self.mask(clip))] = self.mask(clip)
        return PaddedFeatures([self.values(clip) for clip in clips], frames), mask

    def _range(self, clip: str) -> tuple[int, int]:
        try:
            return self._ranges[clip]
        except KeyError:
            raise KeyError(f"There are no features of a clip '{clip}'") from None
