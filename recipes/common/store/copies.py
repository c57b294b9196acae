"""Features of copies of a store's clips that something was done to."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from keras_reparam.audio import LogMel
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.json_file import read_json
from recipes.common.files.lock import exclusive
from recipes.common.store import layout
from recipes.common.store.features import compute_features
from recipes.common.store.front_end import front_end_config
from recipes.common.store.growing_array import GrowingArray
from recipes.common.store.index import Piece, one_after_another
from recipes.common.store.reading import as_int16
from recipes.common.store.store import Store
from recipes.common.store.stored_features import StoredFeatures


def features_of_copies(
    store: Store,
    log_mel: LogMel,
    clips: Sequence[str],
    change: Callable[[str], np.ndarray],
    about: Mapping[str, Any],
    console: Console,
) -> StoredFeatures:
    """Features of changed clips before normalisation, made once and kept in the store.

    Samples are rounded to 16 bits, as those of the clips are. After a kill the next call makes
    the audio anew, and goes on with the features. Another process that is at it is waited for.

    Args:
        store: The store.
        log_mel: The front end; its statistics do not matter.
        clips: Which clips.
        change: Gives a clip's changed samples, float `(samples,)`; the same every time.
        about: What `change` does, as JSON: equal ones give equal samples.
        console: Where progress bars are drawn.
    """
    folder = store.folder
    front_end = front_end_config(log_mel)
    text = json.dumps([front_end, about, list(clips)], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = folder / layout.features_name(digest)
    if not path.exists():
        needed = f"features of copies in '{folder}' (of an hour of speech 0.05 GB)"
        with exclusive(folder, patience=math.inf), explaining_a_full_disk(needed):
            if not path.exists():
                source, pieces = _written(folder, digest, clips, change, console)
                frames = [-(-piece.length // log_mel.hop_length) for piece in pieces]
                written = {**front_end, **about, "frames": frames}
                compute_features(folder, digest, source, pieces, log_mel, written, console)
            shutil.rmtree(folder / layout.UNFINISHED, ignore_errors=True)
    written = read_json(folder / layout.settings_name(digest), dict[str, Any])
    frames = dict(zip(clips, written["frames"], strict=True))
    return StoredFeatures(path, folder / layout.mask_name(digest), frames)


def _written(
    folder: Path,
    digest: str,
    clips: Sequence[str],
    change: Callable[[str], np.ndarray],
    console: Console,
) -> tuple[Path, list[Piece]]:
    """The copies' audio, one after another in a file, and where each lies."""
    unfinished = folder / layout.UNFINISHED
    unfinished.mkdir(exist_ok=True)
    path, lengths = unfinished / f"audio-{digest}.npy", {}
    with GrowingArray(path, "int16") as audio:
        for clip in track(clips, "Degrading copies of the clips", console):
            samples = as_int16(change(clip))
            audio.append(samples)
            lengths[clip] = len(samples)
        audio.finish()
    return path, list(one_after_another(lengths).values())
