"""How far the scores of a file are from those of its model."""

import dataclasses

import numpy as np

from keras_reparam.deploy.tflite.heads import decisions, top1_agreement


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreComparison:
    """Probabilities of the same clips, of a file and of the model that it was made from.

    Attributes:
        clips: Number of clips.
        max_absolute_error: Largest absolute difference of a probability.
        mean_absolute_error: Mean absolute difference of a probability.
        top1_agreement: Share of the clips whose top-1 class is the model's. Of a sigmoid: share of
            those where both say the same of a class, present or not; the lowest of all classes.
        spread: Standard deviation over the clips of the file's probabilities, of the class that
            varies most. Near zero: the file says the same whatever it hears.
        model_spread: The same of the model.
        shifts: How much higher the file's mean probability of each class is than the model's.
        ua: Unweighted accuracy of the file, the mean over the classes that occur of their recall;
            of a sigmoid the mean over its classes of the recalls of present and absent; `None` if
            the true classes aren't known.
        model_ua: The same of the model.
    """

    clips: int
    max_absolute_error: float
    mean_absolute_error: float
    top1_agreement: float
    spread: float
    model_spread: float
    shifts: tuple[float, ...]
    ua: float | None
    model_ua: float | None

    @property
    def ua_drop(self) -> float | None:
        """How much lower the file's UA is than the model's."""
        if self.ua is None or self.model_ua is None:
            return None
        return self.model_ua - self.ua


def compare_scores(
    found: np.ndarray,
    expected: np.ndarray,
    truth: np.ndarray | None = None,
    *,
    head: str = "softmax",
) -> ScoreComparison:
    """Compares probabilities clip by clip.

    Args:
        found: `(clips, classes)`, the file's.
        expected: `(clips, classes)`, the model's.
        truth: `(clips,)`: true classes as indices, if they are known; of a sigmoid
            `(clips, classes)`, whether each is present.
        head: What made the probabilities, `"softmax"` or `"sigmoid"`.

    Returns:
        A `ScoreComparison`.

    Example:

    >>> found = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> expected = np.array([[0.8, 0.2], [0.4, 0.6]])
    >>> compared = compare_scores(found, expected, truth=np.array([0, 1]))
    >>> round(compared.max_absolute_error, 3), compared.top1_agreement, compared.ua_drop
    (0.1, 0.5, 0.5)
    """
    found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
    difference = np.abs(found - expected)
    return ScoreComparison(
        clips=len(found),
        max_absolute_error=float(difference.max()),
        mean_absolute_error=float(difference.mean()),
        top1_agreement=top1_agreement(found, expected, head),
        spread=float(found.std(axis=0).max()),
        model_spread=float(expected.std(axis=0).max()),
        shifts=tuple((found - expected).mean(axis=0).tolist()),
        ua=None if truth is None else _unweighted_accuracy(found, truth, head),
        model_ua=None if truth is None else _unweighted_accuracy(expected, truth, head),
    )


def _unweighted_accuracy(scores: np.ndarray, truth: np.ndarray, head: str) -> float:
    known = truth.reshape(len(scores), -1)
    return float(np.mean(list(map(_mean_recall, decisions(scores, head).T, known.T))))


def _mean_recall(found: np.ndarray, truth: np.ndarray) -> float:
    right = found == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))
