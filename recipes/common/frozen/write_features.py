"""Writes a folder of features, as `FeatureFolder` reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from keras_reparam._utils.files import written_beside
from keras_reparam._utils.progress import track
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.json_file import read_json, write_json
from recipes.common.frozen.feature_folder import ABOUT, file_of
from recipes.common.frozen.maker import Maker
from recipes.common.manifest import Segment, read_segment
from recipes.common.store.layout import SAMPLE_RATE


def write_features(
    maker: Maker, segments: Sequence[Segment], data: Path, folder: Path, console: Console
) -> None:
    """Writes what a maker makes of clips, in float16; what is there already is not made again.

    Args:
        maker: The maker.
        segments: The clips, of one corpus or, by several calls, of several.
        data: The corpus's folder.
        folder: Made if need be.
        console: Where a progress bar is drawn.

    Raises:
        ValueError: If the folder holds other features, or a clip can't be read.
    """
    about = {"of": maker.described, "digest": maker.digest, "parameters": maker.parameters}
    there = folder / ABOUT
    if there.is_file():
        former = read_json(there, dict[str, Any])
        if former.get("digest") != maker.digest:
            raise ValueError(
                f"'{folder}' holds features of {former.get('of')}, or of other layers. Give "
                f"another folder for those of {maker.described}"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"'{folder}' must be a new folder, or one of such features")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(there, about)
    missing = [segment for segment in segments if not file_of(segment, folder).is_file()]
    with explaining_a_full_disk(f"features in '{folder}'"):
        for segment in track(missing, f"Hearing with {maker.described}", console):
            path = file_of(segment, folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            frames = maker.frames(read_segment(segment, data, sample_rate=SAMPLE_RATE))
            with written_beside(path) as beside:
                np.save(beside, frames.astype("float16"))
