"""What share of people hears each of several classes."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from recipes.common.protocol.figure import Figure
from recipes.common.results.intervals import resampled_ends
from recipes.common.results.metrics import Metrics
from recipes.common.results.results import Results
from recipes.common.tasks.classes import Classes
from recipes.common.tasks.without_classes import WITHOUT_CLASSES

_LEAST = 1e-7


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionMetrics(Metrics):
    """`Metrics` of the classes that most people hear, and how well shares are met.

    Attributes:
        cross_entropy: Mean of -sum(true share * log(said share)): least, if never zero, where the
            shares that are said are the true ones.
    """

    figures: ClassVar = {**Metrics.figures, "cross_entropy": Figure("cross-entropy", 1, 3, "")}

    cross_entropy: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionResults(Results, DistributionMetrics):
    """`Results` of the classes that most people hear, and how well shares are met."""

    in_words: ClassVar = "In percent, but for the cross-entropy, in nats"
    baseline_in_words: ClassVar = (
        "the class that is most frequent in training ({}), and equal shares for the cross-entropy"
    )


class Distribution(Classes):
    """The shares of people who hear each of several classes, by a softmax.

    What is decided is one class, the one with the highest share, of several such the first one; it
    is a distribution with one share.

    Args:
        names: The classes, in their order.
        target: The manifest's column, as in `anger:2;neutral:7`: how many people hear it.

    Example:

    >>> task = Distribution(("anger", "joy", "neutral"), "votes")
    >>> task.parsed("anger:1;neutral:3")
    (0.25, 0.0, 0.75)
    >>> task.word(task.decision(np.array([0.2, 0.5, 0.3])))
    'joy'
    """

    kind = "distribution"
    figures = DistributionMetrics.figures
    without = WITHOUT_CLASSES

    @property
    def described(self):
        return f"shares of {', '.join(self.names)}"

    def value_of(self, segment):
        try:
            return self.parsed(segment.cell(self.target) or "")
        except ValueError:
            return None

    def word(self, value):
        shares = {name: share for name, share in zip(self.names, value, strict=True) if share}
        if len(shares) == 1:
            return next(iter(shares))
        return ";".join(f"{name}:{share!r}" for name, share in shares.items())

    def parsed(self, word):
        shares = dict.fromkeys(self.names, 0.0)
        for part in word.split(";"):
            name, _, share = part.partition(":")
            try:
                value = float(share or 1)
            except ValueError:
                value = math.nan
            if name not in shares or not 0 <= value < math.inf:
                raise ValueError(f"must hold shares of {', '.join(self.names)}")
            shares[name] = value
        total = sum(shares.values())
        if not total:
            raise ValueError("must hold a share above zero")
        # What is one but for rounding stays as it was written.
        total = 1 if math.isclose(total, 1) else total
        return tuple(share / total for share in shares.values())

    def array(self, values):
        return np.array(values, "float64").reshape(-1, len(self.names))

    def strata(self, values):
        return self.array(values).argmax(axis=1).tolist()

    def unlearnable(self, values):
        total = self.array(values).sum(axis=0)
        return [name for name, share in zip(self.names, total, strict=True) if not share]

    def targets(self, values):
        return self.array(values).astype("float32")

    def rarity(self, values):
        shares = self.array(values)
        rarity = len(shares) / len(self.names) / np.maximum(shares.sum(axis=0), 1)
        return (shares @ rarity).astype("float32")

    def decision(self, mean):
        return tuple(np.eye(len(self.names))[mean.argmax()].tolist())

    def vote(self, scores):
        raise ValueError(f"A vote is one of classes. Received: {self.described}")

    def baseline(self, values):
        return self.decision(np.eye(len(self.names))[super().baseline(self.strata(values))])

    def constant_scores(self, scores):
        return np.full_like(scores, 1 / len(self.names))

    def evaluate(self, truth, predicted, scores):
        found = super().evaluate(truth.argmax(axis=1), predicted.argmax(axis=1), scores)
        return DistributionMetrics(**vars(found), cross_entropy=self.validation_loss(truth, scores))

    def validation_loss(self, truth, scores):
        return float(_cross_entropies(truth, scores).mean())

    def intervals(self, truth, predicted, scores, speakers):
        found = super().intervals(truth.argmax(axis=1), predicted.argmax(axis=1), scores, speakers)
        names, owners = np.unique(speakers, return_inverse=True)
        clips = np.bincount(owners)
        sums = np.bincount(owners, _cross_entropies(truth, scores))
        others = resampled_ends(
            len(names), lambda drawn: {"cross_entropy": (drawn @ sums) / (drawn @ clips)}
        )
        return None if found is None else {**found, **others}

    def tally(self, truth, predicted):
        return super().tally(int(np.argmax(truth)), int(np.argmax(predicted)))

    def results(self, decided, figures, about):
        return DistributionResults(**vars(figures), labels=self.names, **about)

    def absent(self, truth):
        return super().unlearnable(truth.argmax(axis=1).tolist())

    def calibration(self, outputs, decide):
        # People who do not agree are no error: the most frequent class need not be sure.
        return None

    def agreement(self, predictions, others):
        return super().agreement(predictions.argmax(axis=1), others.argmax(axis=1))

    def clearness(self, values, scores):
        return Classes(self.names).clearness(self.strata(values), scores)

    @property
    def measures(self):
        return (
            "The true class is the one that most people hear, of several the first one. UA: mean "
            "recall of the classes; WA: share of right {}; WF1 and macro-F1: mean F1 of the "
            "classes, the first one weighted. Cross-entropy: of the people's shares and the "
            "probabilities, in nats."
        )


def _cross_entropies(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return -(truth * np.log(np.maximum(scores, _LEAST))).sum(axis=1)
