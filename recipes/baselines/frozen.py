"""Whisper's encoder, as it is, and logistic regression."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from scipy.special import softmax

from recipes.baselines.clips import Clips
from recipes.baselines.listeners import Listener
from recipes.baselines.machine import read_machine, write_machine
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import CONFIG, TRAINING
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.teacher.linear_head import chosen_strength, fit_head
from recipes.common.teacher.whisper_encoder import WhisperEncoder
from recipes.common.training.train import is_trained


def train(corpus: Corpus, clips: Clips, teacher: str, folder: Path, console: Console) -> None:
    """Fits the head, which hears a training clip as often as all others do in an epoch.

    The validation split chooses its regularisation.
    """
    settings = RecipeSettings(backbone=FROZEN, teacher=teacher)
    encoder = _encoder(settings)
    pooled, fold = corpus.taught_by(encoder, console), clips.fold
    train = pooled.labelled([example for example in fold.train for _ in range(example.times)])
    classes = len(clips.task.names)
    strength = chosen_strength(train, pooled.labelled(fold.validation), classes)
    head = fit_head(*train, classes, strength)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, settings.model_dump(mode="json"))
    write_machine(folder, head)
    parameters = encoder.parameters + head.weights.size + head.bias.size
    write_json(folder / TRAINING, {"parameters": {"merged": parameters}, "strength": strength})
    say(console, f"Whisper: logistic regression, C={strength:g}.")


def teacher_of(folder: Path) -> str | None:
    """The teacher that was given to `train`; `None` where nothing is trained."""
    return _settings(folder).teacher if is_trained(folder) else None


def read_frozen(folder: Path) -> Listener:
    """What `train` left, as it hears a clip."""
    encoder, head = _encoder(_settings(folder)), read_machine(folder)

    def probabilities(samples: np.ndarray) -> np.ndarray:
        return softmax(head(encoder.pooled(samples).reshape(-1)))

    return probabilities


def _encoder(settings: RecipeSettings) -> WhisperEncoder:
    return WhisperEncoder(settings.teacher, settings.teacher_layers)


def _settings(folder: Path) -> RecipeSettings:
    return RecipeSettings(**read_json(folder / CONFIG, dict[str, Any]))
