"""Scores the four forms of the model on the held-out speakers, from the clips' waveforms."""

import csv
import dataclasses
from pathlib import Path

import keras
import numpy as np
from rich.table import Table

from recipes.common.latency import Latency
from recipes.common.results.metrics import Metrics, evaluate
from recipes.common.scores import keras_scores, tflite_scores
from recipes.quickstart.corpus import Corpus


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
        by_source: Over the clips of each corpus, by its title.
    """

    name: str
    kind: str
    file: Path
    probabilities: np.ndarray
    metrics: Metrics
    by_sex: dict[str, Metrics]
    by_source: dict[str, Metrics]

    @property
    def figures(self) -> dict[str, float]:
        """UA, on each corpus where there are several, and WA."""
        if len(self.by_source) == 1:
            return {"UA": self.metrics.ua, "WA": self.metrics.wa}
        ua = {f"UA {title}": metrics.ua for title, metrics in self.by_source.items()}
        return {**ua, "WA": self.metrics.wa}


def evaluate_variants(
    models: dict[str, keras.Model], files: dict[str, Path], corpus: Corpus
) -> list[Variant]:
    """The variants on the test clips, in the order of `files`.

    Args:
        models: Name to waveform model, for the variants that are no `.tflite`.
        files: Name to file, of all variants.
        corpus: The clips.
    """
    samples = [clip.samples for clip in corpus.test]
    variants = []
    for name, file in files.items():
        if name in models:
            kind, scores = "float32", keras_scores(models[name], samples)
        else:
            kind, scores = name.split()[-1], tflite_scores(file, samples)
        variants.append(_variant(name, kind, file, scores, corpus))
    return variants


def _variant(name, kind, file, scores, corpus: Corpus) -> Variant:
    truth = np.array([clip.label for clip in corpus.test])
    predicted = scores.argmax(axis=1)
    sex = np.array([clip.segment.sex for clip in corpus.test])

    def metrics_of(which) -> Metrics:
        return evaluate(truth[which], predicted[which], corpus.labels)

    return Variant(
        name,
        kind,
        file,
        scores,
        metrics_of(slice(None)),
        {s: metrics_of(sex == s) for s in np.unique(sex)},
        {title: metrics_of(which) for title, which in corpus.by_source(corpus.test).items()},
    )


def table_of(variants: list[Variant], latencies: list[Latency], speakers: int) -> Table:
    """What the screen shows of the variants.

    Args:
        variants: The variants.
        latencies: The cost of each.
        speakers: How many are held out.
    """
    clips = variants[0].metrics.clips
    title = f"{speakers} speakers never heard before, {clips:,} clips"
    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for column in (*variants[0].figures, "size", "ms a window"):
        table.add_column(column, justify="right", no_wrap=True)
    for variant, latency in zip(variants, latencies, strict=True):
        table.add_row(
            variant.name,
            *(f"{figure:.1%}" for figure in variant.figures.values()),
            f"{latency.size / 1000:,.0f} kB",
            f"{latency.median:.2f}",
            style="bold" if variant is variants[-1] else None,
        )
    return table


def write_predictions(path: Path, variants: list[Variant], corpus: Corpus) -> None:
    """One row per variant and clip: what it is, what the model says, and the probabilities."""
    labels = corpus.labels
    head = ("variant", "id", "speaker", "sex", "label", "prediction")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*head, *(f"probability_{label}" for label in labels)])
        for variant in variants:
            for clip, scores in zip(corpus.test, variant.probabilities, strict=True):
                about = clip.segment
                best = labels[int(scores.argmax())]
                writer.writerow(
                    [variant.name, about.id, about.speaker, about.sex, about.label, best]
                    + [f"{score:.6f}" for score in scores]
                )
