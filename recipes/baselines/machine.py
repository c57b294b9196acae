"""A linear support vector machine on eGeMAPS."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from keras_reparam._utils.files import written_beside
from recipes.common.names import HEAD
from recipes.common.teacher.linear_head import LinearHead

# Inverse strengths of the regularization that are tried.
_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)


def fit_machine(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    times: Sequence[int],
    num_classes: int,
) -> tuple[LinearHead, float]:
    """Fits the machine; the validation split chooses its regularization by UA.

    Args:
        train: Features `(clips, 88)` and classes `(clips,)`.
        validation: Likewise.
        times: What each training clip weighs.
        num_classes: Number of classes, all of which occur.

    Returns:
        The machine, and its `C`.
    """
    weights = np.asarray(times, "float64")
    scaler = StandardScaler().fit(train[0], sample_weight=weights)
    standard = scaler.transform(train[0])
    best, chosen, highest = None, 0.0, -1.0
    for strength in _STRENGTHS:
        machine = LinearSVC(
            C=strength, class_weight="balanced", dual=False, tol=1e-3, max_iter=10000
        ).fit(standard, train[1], sample_weight=weights)
        slopes = machine.coef_.T / scaler.scale_[:, None]
        head = LinearHead(slopes, machine.intercept_ - scaler.mean_ @ slopes)
        predicted = head(validation[0]).argmax(axis=1)
        ua = recall_score(validation[1], predicted, average="macro", zero_division=0.0)
        if ua > highest:
            best, chosen, highest = head, strength, ua
    assert best is not None and best.bias.shape == (num_classes,)
    return best, chosen


def write_features(path: Path, features: Mapping[str, np.ndarray]) -> None:
    """Features `(88,)` by the clips' ids, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as beside:
        np.savez(beside, clips=np.array([*features]), features=np.stack([*features.values()]))


def read_features(path: Path) -> dict[str, np.ndarray]:
    """What `write_features` wrote; nothing if there is no such file."""
    if not path.is_file():
        return {}
    with np.load(path) as file:
        return dict(zip(file["clips"].tolist(), file["features"], strict=True))


def write_machine(folder: Path, machine: LinearHead) -> None:
    """Whole or not at all."""
    with written_beside(folder / HEAD) as beside:
        np.savez(beside, weights=machine.weights, bias=machine.bias)


def read_machine(folder: Path) -> LinearHead:
    """What `write_machine` wrote."""
    with np.load(folder / HEAD) as file:
        return LinearHead(file["weights"], file["bias"])
