"""A linear head on the features of a teacher that stays as it is."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from scipy.special import softmax

from keras_reparam._utils.environment import environment
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.files.rows import write_rows
from recipes.common.names import HEAD, HISTORY, TRAINING
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.decisions import decide, decided
from recipes.common.settings import RecipeSettings
from recipes.common.teacher.linear_head import LinearHead, chosen_strength, fit_head
from recipes.common.teacher.whisper_encoder import WhisperEncoder


def train_frozen(
    corpus: Corpus,
    fold: Fold,
    task: Task,
    settings: RecipeSettings,
    folder: Path,
    console: Console,
) -> None:
    """Fits the head on the training split; the validation split chooses its regularisation.

    The fold's folder gets `head.npz`, the one row of `history.csv`, and `training.json`.

    Args:
        corpus: Where the clips are read from.
        fold: Who trains, who validates. The test split is not read.
        task: What is learnt.
        settings: The recipe; `teacher` and `teacher_layers` say what the features are.
        folder: Of the fold; made if need be.
        console: Where to report.
    """
    task.check(settings)
    encoder = WhisperEncoder(settings.teacher, settings.teacher_layers)
    pooled = corpus.taught_by(encoder, console)
    start = time.monotonic()
    train = pooled.labelled(fold.train)
    validation = pooled.labelled(fold.validation) if fold.validation else None
    strength = chosen_strength(train, validation, len(task.names))
    head = fit_head(*train, len(task.names), strength)
    seconds = time.monotonic() - start
    row = {"epoch": 1, "loss": _loss(head, *train)}
    if validation is not None:
        row["val_loss"] = _loss(head, *validation)
        row |= _figures(head, fold.validation, validation[0], task, settings)
    with staged(folder) as beside:
        np.savez(beside / HEAD, weights=head.weights, bias=head.bias, digest=encoder.digest)
        write_rows(beside / HISTORY, list(row), [row])
        write_json(
            beside / TRAINING, _about(row, fold, strength, seconds, head, encoder.parameters)
        )
    score = f", UA {row['val_ua']:.1%} on validation" if validation is not None else ""
    say(
        console,
        f"Fold {fold.name}: a linear head on {head.weights.shape[0]:,} features of the teacher, "
        f"{len(fold.train):,} clips, C={strength:g}{score}.",
    )


class FrozenModel:
    """A teacher that stays as it is, and the head that `train_frozen` left in a fold's folder.

    Args:
        folder: The fold's folder.
        settings: The recipe.

    Raises:
        ValueError: If the teacher is not the one that the head was fitted on.
    """

    def __init__(self, folder: Path, settings: RecipeSettings):
        self.encoder = WhisperEncoder(settings.teacher, settings.teacher_layers)
        with np.load(folder / HEAD) as file:
            self._head = LinearHead(file["weights"], file["bias"])
            digest = str(file["digest"])
        if digest != self.encoder.digest:
            raise ValueError(
                f"`teacher` must be the one that '{folder / HEAD}' was fitted on ({digest}). "
                f"Received: teacher='{settings.teacher}' ({self.encoder.digest})"
            )

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of features `(examples, values)`: `(examples, classes)`."""
        return softmax(self._head(features), axis=1)


def _loss(head: LinearHead, features: np.ndarray, classes: np.ndarray) -> float:
    right = softmax(head(features), axis=1)[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(right, 1e-7)).mean())


def _figures(
    head: LinearHead,
    examples: Sequence[Example],
    features: np.ndarray,
    task: Task,
    settings: RecipeSettings,
) -> dict[str, float]:
    scores = softmax(head(features), axis=1)
    found = decide(examples, scores, task, rule=settings.decision_rule)
    figures = task.evaluate(*decided(*found, task))
    return {f"val_{name}": getattr(figures, name) for name in task.figures}


def _about(
    row: Mapping[str, float],
    fold: Fold,
    strength: float,
    seconds: float,
    head: LinearHead,
    encoder: int,
) -> dict:
    weights = head.weights.size + head.bias.size
    return {
        "fold": fold.name,
        "epochs": 1,
        "chosen_epoch": 1,
        "validation": {
            name.removeprefix("val_"): value
            for name, value in row.items()
            if name.startswith("val_")
        },
        "strength": strength,
        "parameters": {"training": weights, "merged": encoder + weights},
        "examples": {name: len(examples) for name, examples in fold.splits.items()},
        "speakers": {
            name: sorted({example.speaker for example in examples})
            for name, examples in fold.splits.items()
        },
        "seconds": seconds,
        "clips_per_second": len(fold.train) / seconds,
        "backend": keras.config.backend(),
        "environment": environment("keras", "scikit-learn", "numpy"),
    }
