"""Probabilities of classes of which one is true."""

import numpy as np

from keras_reparam.deploy.tflite.head import (
    Head,
    mean_recall,
    probability_answer,
    probability_rows,
)


class SoftmaxHead(Head):
    """Probabilities of classes of which one is true."""

    takes_one = False

    def scores(self, outputs):
        outputs = np.asarray(outputs, "float64")
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def agreement(self, scores, others):
        return float((scores.argmax(axis=-1) == others.argmax(axis=-1)).mean())

    def checked_truth(self, truth, clips):
        names, known = self.labels, list(truth)
        if len(known) != clips:
            raise ValueError(
                f"`truth` must hold one class per clip. Received: {len(known)} classes of "
                f"{clips} clips"
            )
        for value in known:
            index = isinstance(value, int | np.integer) and 0 <= int(value) < len(names)
            if not index and not (isinstance(value, str) and value in names):
                raise ValueError(
                    f"`truth` must hold class names or indices from 0 to {len(names) - 1}; the "
                    f"names are {', '.join(names)}. Received: {value!r}"
                )
        return np.array([names.index(v) if isinstance(v, str) else int(v) for v in known])

    def quality(self, scores, truth):
        return mean_recall(scores.argmax(axis=-1), truth)

    def label(self, scores):
        return self.labels[int(np.argmax(scores))]

    def answer(self, scores, *, silence):
        return probability_answer(self, scores, silence=silence)

    def rows(self, scores):
        best = np.arange(len(scores)) == np.argmax(scores)
        return probability_rows(self.labels, scores, best)

    @property
    def described(self):
        return f"probabilities of {', '.join(self.labels)}, in this order"

    def is_unsure(self, scores, unsure_below):
        return bool(scores.max() < unsure_below)
