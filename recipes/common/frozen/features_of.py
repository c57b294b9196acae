"""The features that a run's settings name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from recipes.common.frozen.cached_features import CachedFeatures
from recipes.common.frozen.clip_features import ClipFeatures
from recipes.common.frozen.feature_folder import FeatureFolder
from recipes.common.frozen.feature_table import FeatureTable
from recipes.common.frozen.heard_features import HeardFeatures
from recipes.common.frozen.log_mel_frames import LogMelFrames
from recipes.common.frozen.maker import Maker
from recipes.common.manifest import Segment
from recipes.common.settings import LOG_MEL, RecipeSettings
from recipes.common.store.store import Store
from recipes.common.teacher.whisper_encoder import WhisperEncoder


def features_of(
    settings: RecipeSettings, heard: Store | Callable[[Segment], np.ndarray], console: Console
) -> ClipFeatures:
    """Those of a frozen model.

    Args:
        settings: The recipe.
        heard: Where features that are made here are made of: the store, which keeps them; or what
            gives a clip's samples at 16 kHz.
        console: Where progress bars are drawn.

    Raises:
        FileNotFoundError: If there is no such folder or file, or KerasHub is not installed.
        ValueError: If the file is no CSV of features, or there is no such teacher.
    """
    if settings.features is None:
        return _made(WhisperEncoder(settings.teacher, settings.teacher_layers), heard, console)
    if settings.features == LOG_MEL:
        return _made(LogMelFrames(settings.front_end), heard, console)
    path = Path(settings.features)
    if path.is_dir():
        return FeatureFolder(path)
    if path.is_file():
        return FeatureTable(path)
    raise FileNotFoundError(
        "`features` must be a folder with a .npy for each clip, a .csv with a row for each, or "
        f"log_mel. Received: features='{path}', which is not there"
    )


def _made(
    maker: Maker, heard: Store | Callable[[Segment], np.ndarray], console: Console
) -> ClipFeatures:
    if isinstance(heard, Store):
        return CachedFeatures(maker, heard, console)
    return HeardFeatures(maker, heard)
