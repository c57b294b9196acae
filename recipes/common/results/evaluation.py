"""Scores the test split of a fold, and keeps account of every time it is read."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from recipes.common.files.folders import staged
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import METRICS, PREDICTIONS, READINGS
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.decisions import baseline, decide
from recipes.common.results.pooling import FoldedResults
from recipes.common.results.predictions import Predictions, pooled, write_predictions
from recipes.common.results.results import results_of
from recipes.common.scoring.examples import score_examples
from recipes.common.scoring.form import Form
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.settings import RecipeSettings

Samples = Callable[[Example], np.ndarray]
Scores = Callable[[Sequence[Example]], np.ndarray]


def record_reading(folder: Path, purpose: str, console: Console) -> None:
    """Adds a line to the account of who read the test split, before it is read.

    Says so where it was read before: a figure that was chosen by looking is no test.
    """
    path = folder / READINGS
    readings = read_json(path, list[dict[str, str]]) if path.exists() else []
    if any(reading["purpose"] == purpose for reading in readings):
        console.print(
            f"The test split was read for this before, {readings[0]['time']}; it is reading "
            f"{len(readings) + 1}, and is recorded in {path}.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_json(path, [*readings, {"time": now, "purpose": purpose}])


def scores_by(model: keras.Model, samples: Samples, task: Task, console: Console) -> Scores:
    """What gives a model's scores of examples, each heard as a waveform.

    Args:
        model: Waveform to what the task makes scores of.
        samples: Gives an example's waveform.
        task: What it tells.
        console: Where the progress bar is drawn.
    """
    whole, forms = WaveformModel(model), {"Keras": Form.of_keras(model, task, features_in=False)}

    def scores(examples: Sequence[Example]) -> np.ndarray:
        scored = score_examples(examples, samples, forms, whole, console)
        return scored.probabilities["Keras"]

    return scores


def predictions_of(
    scores: Scores,
    splits: Mapping[str, Sequence[Example]],
    *,
    fold: Fold,
    task: Task,
    settings: RecipeSettings,
) -> Predictions:
    """What is decided about examples.

    Args:
        scores: Gives scores `(examples, outputs)`.
        splits: Examples by the name of their split.
        fold: Whose model it is.
        task: What is decided.
        settings: The recipe.
    """
    majority = baseline(fold.train, task)
    found = []
    for split, examples in splits.items():
        decisions, means = decide(examples, scores(examples), task, rule=settings.decision_rule)
        about = {"task": task, "fold": fold.name, "split": split, "majority": majority}
        found.append(Predictions.of(decisions, means, **about))
    return pooled(found)


def results_by_split(predictions: Predictions, notes: Sequence[str]) -> dict[str, Any]:
    """Results of each split, in the order in which they come."""
    splits = dict.fromkeys(predictions.split.tolist())
    return {split: results_of(predictions.where(split=split), notes=notes) for split in splits}


def write_evaluation(
    folder: Path,
    predictions: Predictions,
    results: Mapping[str, Any],
    *,
    title: str,
) -> None:
    """Writes predictions.csv, metrics.json and, of the first split, the task's picture.

    Where predictions.csv is, so are the others: it comes last.
    """
    split, first = next(iter(results.items()))
    if isinstance(first, FoldedResults):
        first = first.pooled
    with staged(folder) as beside:
        write_predictions(beside / PREDICTIONS, predictions)
        write_json(beside / METRICS, results)
        subtitle = f"{split}, {_extent_of(first)}"
        task, decided = predictions.task, predictions.where(split=split).decided
        task.draw(beside / task.picture, decided, first, title=title, subtitle=subtitle)


def _extent_of(results: Any) -> str:
    """How many decisions the results are of, in words."""
    people = "1 speaker" if results.speakers == 1 else f"{results.speakers} speakers"
    return f"{results.clips} decisions about {people}"
