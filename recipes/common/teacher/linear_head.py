"""A linear classifier on a teacher's features."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

# Inverse strengths of the regularisation that are tried, and the one where nobody validates.
STRENGTHS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
DEFAULT_STRENGTH = 1e-2
_INNER_FOLDS = 5
# The logit of a class of which there is no training example.
_NEVER = -1e4


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """Features to logits.

    Attributes:
        weights: `(values, classes)`.
        bias: `(classes,)`.
    """

    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Logits `(examples, classes)` of features `(examples, values)`."""
        return features @ self.weights + self.bias


def fit_head(
    features: np.ndarray, classes: np.ndarray, num_classes: int, strength: float
) -> LinearHead:
    """Logistic regression on standardised features, in which all classes count alike.

    Args:
        features: `(examples, values)`.
        classes: `(examples,)`: indices. One that does not occur gets a logit that is never
            the highest.
        num_classes: Number of classes.
        strength: Inverse of the regularisation's.
    """
    scaler = StandardScaler().fit(features)
    found = np.unique(classes)
    weights = np.zeros((features.shape[1], num_classes))
    bias = np.full(num_classes, _NEVER)
    if len(found) == 1:
        bias[found] = 0.0
        return LinearHead(weights, bias)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000, tol=1e-3)
    # Many small products: threads that wait for each other on a busy machine take 50 times as long.
    with threadpool_limits(1):
        model.fit(scaler.transform(features), classes)
    slopes, start = model.coef_.T, model.intercept_
    if len(found) == 2:
        # Scikit-learn has one row for two classes: the second one's logit above the first one's.
        slopes, start = np.hstack([-slopes / 2, slopes / 2]), np.array([-start, start])[:, 0] / 2
    weights[:, found] = slopes / scaler.scale_[:, None]
    bias[found] = start - scaler.mean_ @ weights[:, found]
    return LinearHead(weights, bias)


def chosen_strength(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None,
    num_classes: int,
) -> float:
    """The strength whose head has the highest UA on the validation split, the first of equals.

    Args:
        train: Features and classes.
        validation: Likewise; `None`: nobody validates.
        num_classes: Number of classes.
    """
    if validation is None:
        return DEFAULT_STRENGTH
    features, truth = validation

    def score(strength: float) -> float:
        predicted = fit_head(*train, num_classes, strength)(features).argmax(axis=1)
        return float(recall_score(truth, predicted, average="macro", zero_division=0.0))

    return max(STRENGTHS, key=score)


def out_of_fold_logits(
    features: np.ndarray,
    classes: np.ndarray,
    speakers: Sequence[str],
    num_classes: int,
    strength: float,
) -> np.ndarray:
    """Logits `(examples, classes)` of each speaker by a head that never saw that speaker.

    Five heads, or as many as there are speakers, each fitted without the speakers it is for.

    Raises:
        ValueError: If there is one speaker alone.
    """
    speakers = np.asarray(speakers)
    count = len(np.unique(speakers))
    if count < 2:
        raise ValueError(
            "Logits by a head that has not heard the speaker need at least two training speakers. "
            f"Received: {count}"
        )
    logits = np.empty((len(features), num_classes))
    for seen, unseen in GroupKFold(min(_INNER_FOLDS, count)).split(features, groups=speakers):
        assert not set(speakers[seen]) & set(speakers[unseen])
        head = fit_head(features[seen], classes[seen], num_classes, strength)
        logits[unseen] = head(features[unseen])
    return logits
