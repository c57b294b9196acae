"""Features in a folder, a file for each clip."""

from pathlib import Path
from typing import Any

import numpy as np

from recipes.common.files.json_file import read_json
from recipes.common.frozen.bad_clip import BadClip
from recipes.common.frozen.clip_name import clip_name
from recipes.common.frozen.moments import Moments, moments_of
from recipes.common.manifest import Segment

# What made the features, where that is known.
ABOUT = "features.json"


def file_of(segment: Segment, folder: Path) -> Path:
    """Where the features of a clip lie in a folder."""
    return folder / f"{clip_name(segment)}.npy"


class FeatureFolder:
    """One `.npy` for each clip, named by `clip_name`: `(frames, width)`, or of several layers
    `(layers, frames, width)`, of any kind of float.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path):
        self._folder, self.described = folder, f"'{folder}'"
        about = folder / ABOUT
        self.parameters: int = 0
        if about.is_file():
            self.parameters = read_json(about, dict[str, Any]).get("parameters", 0)

    def shape(self, segment: Segment) -> tuple[int, int]:
        layers, _, width = self._read(segment).shape
        return layers, width

    def moments(self, segment: Segment) -> Moments:
        return moments_of(self._read(segment))

    def _read(self, segment: Segment) -> np.ndarray:
        """`(layers, frames, width)`, mapped into memory."""
        path = file_of(segment, self._folder)
        if not path.is_file():
            raise BadClip("no file")
        try:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
        # What is no such file, or cut.
        except (ValueError, OSError, EOFError):
            raise BadClip("a file that is no whole .npy") from None
        if not isinstance(found, np.ndarray) or not np.issubdtype(found.dtype, np.floating):
            raise BadClip(f"{getattr(found, 'dtype', 'an archive')} in place of floats")
        if found.ndim not in (2, 3):
            raise BadClip(f"{found.ndim} dimensions in place of 2 or 3")
        if not found.size:
            raise BadClip("no frames, or no values")
        return found if found.ndim == 3 else found[None]
