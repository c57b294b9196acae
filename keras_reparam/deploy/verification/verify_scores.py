"""How far the scores of a file are from those of its model."""

import dataclasses

import numpy as np

from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreComparison:
    """Probabilities of the same clips, of a file and of the model that it was made from.

    Attributes:
        clips: Number of clips.
        max_absolute_error: Largest absolute difference of a probability.
        mean_absolute_error: Mean absolute difference of a probability.
        top1_agreement: Share of the clips whose top-1 class is the model's. Of a sigmoid: share of
            those where both say the same of a class, present or not; the lowest of all classes.
            Of values: their concordance correlation with the model's.
        spread: Standard deviation over the clips of the file's probabilities, of the class that
            varies most. Near zero: the file says the same whatever it hears.
        model_spread: The same of the model.
        shifts: How much higher the file's mean probability of each class is than the model's.
        ua: Unweighted accuracy of the file, the mean over the classes that occur of their recall;
            of a sigmoid the mean over its classes of the recalls of present and absent; `None` if
            the true classes aren't known, and of values.
        model_ua: The same of the model.
        ccc: Concordance correlation of the file's values with the true ones; `None` if these
            aren't known, and of probabilities.
        model_ccc: The same of the model.
    """

    clips: int
    max_absolute_error: float
    mean_absolute_error: float
    top1_agreement: float
    spread: float
    model_spread: float
    shifts: tuple[float, ...]
    ua: float | None = None
    model_ua: float | None = None
    ccc: float | None = None
    model_ccc: float | None = None

    @property
    def ua_drop(self) -> float | None:
        """How much lower the file's UA is than the model's."""
        return _drop(self.ua, self.model_ua)

    @property
    def ccc_drop(self) -> float | None:
        """How much lower the file's CCC is than the model's."""
        return _drop(self.ccc, self.model_ccc)

    @property
    def quality(self) -> tuple[float, float] | None:
        """UA or CCC of the file and of the model; `None` if the truth isn't known."""
        for own, model in ((self.ua, self.model_ua), (self.ccc, self.model_ccc)):
            if own is not None and model is not None:
                return own, model
        return None


def _drop(own: float | None, model: float | None) -> float | None:
    return None if own is None or model is None else model - own


def compare_scores(
    found: np.ndarray,
    expected: np.ndarray,
    truth: np.ndarray | None = None,
    *,
    head: Head | None = None,
) -> ScoreComparison:
    """Compares probabilities clip by clip.

    Args:
        found: `(clips, classes)`, the file's.
        expected: `(clips, classes)`, the model's.
        truth: What is true, if it is known, as `head.checked_truth` gives it: `(clips,)`, classes
            as indices; of a sigmoid `(clips, classes)`, whether each is present; or values.
        head: What made the probabilities; `None`: a softmax.

    Returns:
        A `ScoreComparison`.

    Example:

    >>> found = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> expected = np.array([[0.8, 0.2], [0.4, 0.6]])
    >>> compared = compare_scores(found, expected, truth=np.array([0, 1]))
    >>> round(compared.max_absolute_error, 3), compared.top1_agreement, compared.ua_drop
    (0.1, 0.5, 0.5)
    """
    head = head or SoftmaxHead()
    found, expected = np.asarray(found, "float64"), np.asarray(expected, "float64")
    difference = np.abs(found - expected)
    return ScoreComparison(
        clips=len(found),
        max_absolute_error=float(difference.max()),
        mean_absolute_error=float(difference.mean()),
        top1_agreement=head.agreement(found, expected),
        spread=float(found.std(axis=0).max()),
        model_spread=float(expected.std(axis=0).max()),
        shifts=tuple((found - expected).mean(axis=0).tolist()),
        **_qualities(found, expected, truth, head),
    )


def _qualities(
    found: np.ndarray, expected: np.ndarray, truth: np.ndarray | None, head: Head
) -> dict[str, float]:
    if truth is None:
        return {}
    name = head.quality_name.lower()
    return {name: head.quality(found, truth), f"model_{name}": head.quality(expected, truth)}
