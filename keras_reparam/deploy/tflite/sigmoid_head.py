"""Probabilities of classes of which any number may be true."""

import numpy as np

from keras_reparam.deploy.tflite.head import (
    Head,
    ScoreRow,
    mean_recall,
    probability_answer,
    probability_rows,
)

# From this probability on, a class is taken for present.
PRESENT = 0.5


class SigmoidHead(Head):
    """Probabilities of classes of which any number may be true."""

    never_unsure = f"a class of a sigmoid is there from a score of {PRESENT} on"

    def scores(self, outputs):
        outputs = np.asarray(outputs, "float64")
        # Of a negative number alone: exp() of a large one overflows.
        small = np.exp(-np.abs(outputs))
        return np.where(outputs < 0, small, 1) / (1 + small)

    def agreement(self, scores, others):
        # Of the class that fares worst. Counting classes together would hide one that is lost
        # among many, and asking all of them at once would fail more clips the more there are.
        return float(((scores >= PRESENT) == (others >= PRESENT)).mean(axis=0).min())

    def checked_truth(self, truth, clips):
        names, known = self.labels, np.asarray(truth)
        found = known.reshape(len(known), -1)
        if known.dtype.kind == "U":
            found = found == np.array(names)
            if not found.any():
                raise ValueError(
                    f"`truth` must name a class in at least one clip; the names are "
                    f"{', '.join(names)}. Received: {', '.join(sorted(set(known.flat))[:5])}"
                )
        if found.shape != (clips, len(names)) or not np.isin(found, (0, 1)).all():
            raise ValueError(
                f"`truth` must hold a name per clip, or 0 and 1 of shape {(clips, len(names))}: "
                f"whether each class is present. Received: shape {known.shape}"
            )
        return found.astype(bool)

    def quality(self, scores, truth):
        pairs = zip((scores >= PRESENT).T, truth.T, strict=True)
        return float(np.mean([mean_recall(*pair) for pair in pairs]))

    def label(self, scores):
        best = int(np.argmax(scores))
        return self.labels[best] if scores[best] >= PRESENT else None

    def answer(self, scores, *, silence):
        return probability_answer(self, scores, silence=silence)

    def rows(self, scores):
        rows = probability_rows(self.labels, scores, (scores >= PRESENT).tolist())
        if self.label(scores) is not None:
            return rows
        beside = f"no class has a probability of {PRESENT:.0%}"
        return [ScoreRow("none", "", 1.0, beside=beside), *rows]

    @property
    def described(self):
        return (
            f"probabilities of {', '.join(self.labels)}, in this order, each for itself: from "
            f"{PRESENT} on it is there"
        )
