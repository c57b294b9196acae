"""Scores the four forms of the model on the held-out speakers, from the clips' waveforms."""

import csv
import dataclasses
from pathlib import Path

import keras
import numpy as np
from rich.table import Table

from keras_reparam.deploy import load_classifier
from recipes.common.features import Clip
from recipes.common.latency import Latency
from recipes.common.results.metrics import Metrics, evaluate
from recipes.common.scores import keras_scores, tflite_scores


@dataclasses.dataclass(frozen=True)
class Variant:
    """One form of the model on the test clips.

    Attributes:
        name: What it is.
        kind: Quantisation kind.
        file: Its file.
        probabilities: `(clips, classes)`.
        metrics: Over all clips.
        by_sex: Over the clips of each sex.
    """

    name: str
    kind: str
    file: Path
    probabilities: np.ndarray
    metrics: Metrics
    by_sex: dict[str, Metrics]


def evaluate_variants(
    models: dict[str, keras.Model], files: dict[str, Path], clips: list[Clip], labels: tuple
) -> list[Variant]:
    """The variants in the order of `files`.

    Args:
        models: Name to waveform model, for the variants that are no `.tflite`.
        files: Name to file, of all variants.
        clips: The test clips.
        labels: Class names.
    """
    samples = [clip.samples for clip in clips]
    variants = []
    for name, file in files.items():
        if name in models:
            kind, scores = "float32", keras_scores(models[name], samples)
        else:
            kind, scores = name.split()[-1], tflite_scores(load_classifier(file), samples)
        variants.append(_variant(name, kind, file, scores, clips, labels))
    return variants


def _variant(name, kind, file, scores, clips, labels) -> Variant:
    truth = np.array([clip.label for clip in clips])
    predicted = scores.argmax(axis=1)
    sex = np.array([clip.segment.sex for clip in clips])
    return Variant(
        name,
        kind,
        file,
        scores,
        evaluate(truth, predicted, labels),
        {s: evaluate(truth[sex == s], predicted[sex == s], labels) for s in np.unique(sex)},
    )


def table_of(variants: list[Variant], latencies: list[Latency]) -> Table:
    """What the screen shows of the variants."""
    clips = variants[0].metrics.clips
    table = Table(title=f"Two speakers never heard before, {clips} clips", title_justify="left")
    table.add_column("model", no_wrap=True)
    for column in ("UA", "WA", "size", "ms a window"):
        table.add_column(column, justify="right", no_wrap=True)
    for variant, latency in zip(variants, latencies, strict=True):
        table.add_row(
            variant.name,
            f"{variant.metrics.ua:.1%}",
            f"{variant.metrics.wa:.1%}",
            f"{latency.size / 1000:,.0f} kB",
            f"{latency.median:.2f}",
            style="bold" if variant is variants[-1] else None,
        )
    return table


def write_predictions(path: Path, variants: list[Variant], clips: list[Clip], labels) -> None:
    """One row per variant and clip: what it is, what the model says, and the probabilities."""
    head = ("variant", "id", "speaker", "sex", "label", "prediction")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*head, *(f"probability_{label}" for label in labels)])
        for variant in variants:
            for clip, scores in zip(clips, variant.probabilities, strict=True):
                about = clip.segment
                best = labels[int(scores.argmax())]
                writer.writerow(
                    [variant.name, about.id, about.speaker, about.sex, about.label, best]
                    + [f"{score:.6f}" for score in scores]
                )
