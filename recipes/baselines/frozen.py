"""Whisper's encoder, as it is, and a linear head."""

import dataclasses
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.baselines.clips import Clips
from recipes.common.corpus import Corpus
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import CONFIG
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.training.frozen import FrozenModel, train_frozen
from recipes.common.training.train import is_trained


def train(corpus: Corpus, clips: Clips, teacher: str, folder: Path, console: Console) -> None:
    """Fits the head, which hears a training clip as often as all others do in an epoch."""
    heard = tuple(example for example in clips.fold.train for _ in range(example.times))
    settings = RecipeSettings(backbone=FROZEN, teacher=teacher)
    fold = dataclasses.replace(clips.fold, train=heard)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, settings.model_dump(mode="json"))
    train_frozen(corpus, fold, clips.task, settings, folder, console)


def teacher_of(folder: Path) -> str | None:
    """The teacher that was given to `train`; `None` where nothing is trained."""
    return _settings(folder).teacher if is_trained(folder) else None


def read_frozen(folder: Path) -> FrozenModel:
    """What `train` left."""
    return FrozenModel(folder, _settings(folder))


def _settings(folder: Path) -> RecipeSettings:
    return RecipeSettings(**read_json(folder / CONFIG, dict[str, Any]))
