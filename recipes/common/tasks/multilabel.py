"""Any number of labels."""

import dataclasses

import numpy as np

from keras_reparam.deploy.tflite.sigmoid_head import PRESENT, SigmoidHead
from recipes.common.protocol.labels import common_label, plain_word
from recipes.common.protocol.task import Task
from recipes.common.results.intervals import resampled_ends
from recipes.common.tasks.multilabel_metrics import (
    MultilabelMetrics,
    MultilabelResults,
    evaluate_labels,
    f1_of_counts,
    resampled_labels,
)
from recipes.common.tasks.without_classes import WITHOUT_CLASSES


@dataclasses.dataclass(frozen=True)
class Multilabel(Task):
    """Any number of labels, each by a sigmoid of its own.

    Args:
        names: The labels, in their order.
        target: The manifest's column, whose cells list labels.
        separator: What stands between them.

    Example:

    >>> task = Multilabel(("fear", "joy"), "labels")
    >>> task.decision(np.array([0.6, 0.7])), task.word((1, 1)), task.parsed("joy")
    ((1, 1), 'fear;joy', (0, 1))
    """

    separator: str = ";"

    kind = "multilabel"
    figures = MultilabelMetrics.figures
    selectable = tuple(MultilabelMetrics.figures)
    counted = ("macro_f1", "micro_f1")
    score_rule = "probabilities from 0 to 1"
    picture = "labels.png"
    named = parts_named = "Labels"
    without = WITHOUT_CLASSES
    measures = (
        "mAP: mean over the labels of their average precision; macro-F1: mean of their F1; "
        "micro-F1: F1 of all labels of all {} together."
    )

    @property
    def described(self):
        return f"labels {', '.join(self.names)}"

    @property
    def answers(self):
        return f"the probability of each of {', '.join(self.names)}"

    @property
    def output(self):
        return SigmoidHead(self.names).described

    @property
    def limits(self):
        return (
            f"It says which of {len(self.names)} labels are there, and of what is none of them, or "
            "of music and noise, it may say any."
        )

    def words(self, cell: str) -> list[str]:
        """The labels in a cell; "none" is none."""
        words = map(plain_word, cell.split(self.separator))
        return [word for word in words if word not in ("", "none")]

    def value_of(self, segment):
        cell = segment.cell(self.target)
        if cell is None:
            return None
        words = {name for word in self.words(cell) for name in (word, common_label(word))}
        return tuple(int(name in words) for name in self.names)

    def word(self, value):
        pairs = zip(self.names, value, strict=True)
        return self.separator.join(name for name, there in pairs if there)

    def parsed(self, word):
        words = word.split(self.separator) if word else []
        if set(words) - set(self.names):
            raise ValueError(f"must hold labels of {', '.join(self.names)}")
        return tuple(int(name in words) for name in self.names)

    def array(self, values):
        return np.array(values, bool).reshape(-1, len(self.names))

    def strata(self, values):
        numbers: dict[tuple[int, ...], int] = {}
        return [numbers.setdefault(tuple(value), len(numbers)) for value in values]

    def unlearnable(self, values):
        shares = self.array(values).mean(axis=0)
        pairs = zip(self.names, shares, strict=True)
        return [name for name, share in pairs if share in (0, 1)]

    def targets(self, values):
        return self.array(values).astype("float32")

    def loss(self, settings):
        import keras

        return keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        )

    def scores(self, outputs):
        return SigmoidHead(self.names).scores(outputs)

    def bad_scores(self, scores):
        return ~((scores >= 0) & (scores <= 1)).all(axis=1)

    def decision(self, mean):
        return tuple((mean >= PRESENT).astype(int).tolist())

    def baseline(self, values):
        return tuple((self.array(values).mean(axis=0) > 0.5).astype(int).tolist())

    def evaluate(self, truth, predicted, scores):
        return evaluate_labels(truth, predicted, scores, self.names)

    def validation_loss(self, truth, scores):
        right = np.where(truth, scores, 1 - scores)
        return float(-np.log(np.maximum(right, 1e-7)).mean())

    def intervals(self, truth, predicted, scores, speakers):
        names, owners = np.unique(speakers, return_inverse=True)
        about = (truth, predicted, scores, owners)
        return resampled_ends(len(names), lambda drawn: resampled_labels(*about, drawn))

    def tally(self, truth, predicted):
        truth, predicted = (np.array(each, "float64") for each in (truth, predicted))
        return np.stack([truth * predicted, truth, predicted])

    def figures_of(self, tallies):
        return f1_of_counts(*np.moveaxis(tallies, -2, 0))

    def results(self, decided, figures, about):
        return MultilabelResults(**vars(figures), labels=self.names, **about)

    def of_speaker(self, figures):
        return {"clips": figures.clips, "micro_f1": figures.micro_f1}

    def absent(self, truth):
        return [
            name for name, there in zip(self.names, truth.any(axis=0), strict=True) if not there
        ]

    def draw(self, path, decided, results, *, title, subtitle):
        # Here, since pictures take a while to import.
        from recipes.common.tasks.label_plot import plot_labels

        plot_labels(path, results, title=title, subtitle=subtitle)

    @property
    def export_options(self):
        return {"labels": self.names, "head": "sigmoid"}

    def agreement(self, predictions, others):
        return float((predictions == others).mean(axis=0).min())

    def clearness(self, values, scores):
        wrong = ((scores >= PRESENT) != self.array(values)).any(axis=1)
        return wrong, np.abs(scores - PRESENT).min(axis=1)

    def card_columns(self, results, sure):
        return {
            f"AP {name}": "-" if value is None else f"{value:.1%}"
            for name, value in results.average_precision.items()
        }

    def header_metrics(self, figures):
        return [
            {
                "type": "f1" if name.endswith("f1") else name,
                "name": f"{figure.name} in percent",
                "value": round(100 * getattr(figures, name), 1),
            }
            for name, figure in self.figures.items()
        ]
