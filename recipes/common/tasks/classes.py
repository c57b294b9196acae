"""One of several classes."""

import math
from collections import Counter

import numpy as np

from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead
from recipes.common.protocol.labels import class_of
from recipes.common.protocol.task import Task
from recipes.common.results.calibration import (
    expected_calibration_error,
    fit_calibration,
    negative_log_likelihood,
    sure_answers,
)
from recipes.common.results.intervals import figures_of_confusions, intervals
from recipes.common.results.metrics import FIGURES, Metrics, evaluate
from recipes.common.results.results import Results, SpeakerResult

# How far the probabilities of an example may be from a sum of one: those of an integer model are
# rounded to 1/256 each.
_TOLERANCE = 0.05
# Hugging Face's names of metrics for ours: UA is the mean recall of the classes, WA the share of
# right clips.
_HEADER = {"ua": "recall", "wa": "accuracy", "macro_f1": "f1"}

# As manifests have them.
SEXES = ("female", "male")


class Classes(Task):
    """One of several classes, by a softmax.

    Args:
        names: The classes, in their order.
        target: The manifest's column.

    Example:

    >>> task = Classes(("anger", "sadness"))
    >>> task.decision(np.array([0.2, 0.8])), task.word(1), task.baseline([0, 0, 1])
    (1, 'sadness', 0)
    """

    kind = "classes"
    figures = Metrics.figures
    selectable = tuple(FIGURES)
    counted = tuple(FIGURES)
    score_rule = "probabilities that add up to one"
    picture = "confusion.png"

    @property
    def described(self):
        return f"classes {', '.join(self.names)}"

    @property
    def answers(self):
        return f"the probabilities of {', '.join(self.names)}"

    @property
    def output(self):
        return SoftmaxHead(self.names).described

    @property
    def limits(self):
        return (
            f"It always answers with one of {len(self.names)} classes, also for music, noise or "
            "what is none of them."
        )

    def chance(self, clips):
        # Half the width of the widest 95 % interval of a share of so many.
        width = 100 * 1.96 * math.sqrt(0.25 / clips)
        return (
            f"chance alone moves the share of right ones by up to {width:.1f} % up or down, and "
            "other speakers move it further."
        )

    def value_of(self, segment):
        return class_of(segment.cell(self.target) or "", self.names)

    def word(self, value):
        return self.names[value]

    def parsed(self, word):
        if word not in self.names:
            raise ValueError(f"must be one of {', '.join(self.names)}")
        return self.names.index(word)

    def array(self, values):
        return np.array(values, int)

    def strata(self, values):
        return list(values)

    def unlearnable(self, values):
        return [name for i, name in enumerate(self.names) if i not in set(values)]

    def targets(self, values):
        return np.eye(len(self.names), dtype="float32")[self.array(values)]

    def rarity(self, values):
        values = self.array(values)
        counts = np.bincount(values, minlength=len(self.names))
        rarity = (len(values) / len(self.names) / np.maximum(counts, 1)).astype("float32")
        return rarity[values]

    def loss(self, settings):
        import keras

        from recipes.common.training.latent_teacher import LatentTeacherLoss

        smoothing = {"label_smoothing": settings.label_smoothing}
        if getattr(settings, "latent_teacher", False):
            return LatentTeacherLoss(**smoothing)
        return keras.losses.CategoricalCrossentropy(from_logits=True, **smoothing)

    def scores(self, outputs):
        return SoftmaxHead().scores(outputs)

    def bad_scores(self, scores):
        # Not a number is neither.
        good = (scores >= 0).all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= _TOLERANCE)
        return ~good

    def decision(self, mean):
        return int(mean.argmax())

    def vote(self, scores):
        mean = scores.mean(axis=0)
        votes = np.bincount(scores.argmax(axis=1), minlength=len(mean))
        return int(np.where(votes == votes.max(), mean, -1).argmax())

    def baseline(self, values):
        counts = Counter(values)
        return min(counts, key=lambda label: (-counts[label], label))

    def evaluate(self, truth, predicted, scores):
        return evaluate(truth, predicted, self.names)

    def validation_loss(self, truth, scores):
        return negative_log_likelihood(truth, scores)

    def intervals(self, truth, predicted, scores, speakers):
        return intervals(truth, predicted, speakers, num_classes=len(self.names))

    def tally(self, truth, predicted):
        confusion = np.zeros((len(self.names),) * 2)
        confusion[truth, predicted] = 1
        return confusion

    def figures_of(self, tallies):
        return figures_of_confusions(tallies)

    def results(self, decided, figures, about):
        ece = expected_calibration_error(*decided)
        return Results(**vars(figures), labels=self.names, ece=ece, **about)

    def of_speaker(self, figures):
        return SpeakerResult(clips=figures.clips, wa=figures.wa, ua=figures.ua)

    def absent(self, truth):
        return self.unlearnable(truth.tolist())

    def draw(self, path, decided, results, *, title, subtitle):
        # Here, since pictures take a while to import.
        from recipes.common.results.plots import plot_confusion

        plot_confusion(path, results, self.names, title=title, subtitle=subtitle)

    def calibration(self, outputs, decide):
        return fit_calibration(outputs, decide)

    def sure_answers(self, decided, *, unsure_below):
        return sure_answers(*decided, unsure_below=unsure_below)

    @property
    def export_options(self):
        return {"labels": self.names}

    def agreement(self, predictions, others):
        return float(np.mean(predictions == others))

    def clearness(self, values, scores):
        margins = np.diff(np.sort(scores, axis=1)[:, -2:])[:, 0]
        return scores.argmax(axis=1) != self.array(values), margins

    def card_columns(self, results, sure):
        shares = {
            "ECE": results.ece,
            **{f"sure: {name}": value for name, value in sure.items()},
            **{f"recall {name}": value for name, value in results.recall.items()},
        }
        return {name: "-" if value is None else f"{value:.1%}" for name, value in shares.items()}

    @property
    def measures(self):
        return (
            "UA: mean recall of the classes; WA: share of right {}. ECE: expected calibration "
            "error of the highest probability, in 15 bins of equal width. WF1 and macro-F1: mean "
            "F1 of the classes, the first one weighted."
        )

    def header_metrics(self, figures):
        return [
            {
                "type": kind,
                "name": f"{FIGURES[name]} in percent",
                "value": round(100 * getattr(figures, name), 1),
            }
            for name, kind in _HEADER.items()
        ]
