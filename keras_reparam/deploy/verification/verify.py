"""`verify_tflite`: whether a `.tflite` file does what its Keras model does."""

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_reparam.audio.clips import checked_clips
from keras_reparam.deploy.conversion.convert import convert
from keras_reparam.deploy.conversion.one_output import call, file_shape, input_shape
from keras_reparam.deploy.conversion.probability_check import refuse_probabilities
from keras_reparam.deploy.inspection.inspect_graph import quantization_kind
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.metadata import checked_labels, read_metadata
from keras_reparam.deploy.tflite.tflite_buffers import read_model
from keras_reparam.deploy.tflite.tflite_file import read_tflite
from keras_reparam.deploy.verification.verify_operators import OperatorDifference, compare_operators
from keras_reparam.deploy.verification.verify_report import Check, VerificationReport
from keras_reparam.deploy.verification.verify_scores import ScoreComparison, compare_scores

# What a probability may differ by, and what share of the clips must keep their best class, by
# kind. Of the others, all with 8 bits, single scores say little: the classes count.
_DIFFERENCE = {"float32": 1e-4, "float16": 2e-3}
_LEAST_TOP1_AGREEMENT = 0.97
_DROP = 0.01
_OPERATOR_ERROR = {"float32": 1e-3, "float16": 1e-2}
_OPERATOR_ERROR_8_BITS = 0.1
_TRACED_CLIPS = 4
_BATCH = 16
# Where classes were exchanged, at least so many clips get the model's best class back.
_SAME_ORDER = 0.9


def verify_tflite(
    path: str | os.PathLike,
    model: keras.Model,
    clips: Iterable[np.ndarray],
    *,
    truth: Sequence[int | str] | None = None,
    labels: Sequence[str] | None = None,
    tolerance: float | None = None,
    operators: bool = False,
) -> VerificationReport:
    """Compares the scores of a `.tflite` file with `softmax(model(x))`, clip by clip.

    Of a file that says "head: sigmoid" they are compared with `sigmoid(model(x))`. What is said of
    a clip's top-1 class here is said of each class's being present (0.5 or more) then, and the
    class that fares worst counts. Of a file of values ("head: linear") they are compared with
    `model(x)`: errors and spread in shares of the values' range, their concordance correlation
    (CCC) in place of top-1 agreement and unweighted accuracy.

    Checked are, each with its bound in the report:

    - the maximum absolute error of a score: 1e-4 for a float32 file, 2e-3 for a float16 one;
    - the top-1 agreement, the share of clips with the same top-1 class: 97 % if there are
      int8 or float16 constants. One clip of twenty is 5 %: take some hundred clips;
    - how much lower the unweighted accuracy is, if `truth` is given: 1 point;
    - whether the scores vary with the clips: a standard deviation of at least 0.05 in the class
      that varies most, of values 0.01 of their range. A file that always says the same agrees
      with an untrained model;
    - the names of the classes and their order, if the file or `labels` name them.

    If a check of the scores fails, or with `operators=True`, every operator's output is compared
    with that of the model's float32 conversion, on the four clips that differ most. The first one
    whose relative error (root of the sum of squared differences, to the values') is beyond a bound
    is named: 1e-3 for float32, 1e-2 for float16, 0.1 for int8.

    Args:
        path: The file.
        model: Its model, merged, with logits `(batch, classes)`: waveform in or features in, as
            the file.
        clips: Inputs of the model without the batch axis: an array `(clips, ...)` or an iterable
            of arrays, two at least. Not those that calibrated the file.
        truth: True class of each clip, as indices or as names. Of a sigmoid: names, of which any
            that is no label means that none is present, or 0 and 1, `(clips, classes)`. Of values:
            numbers.
        labels: Class names in the order of the model's logits. `None`: those in the file.
        tolerance: Largest allowed difference of a score, instead of the kind's.
        operators: Whether to compare the operators in any case. Takes some ten seconds.

    Returns:
        A `VerificationReport`. `print` it for a table; `.passed` says whether all checks passed.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If clips, classes or file do not fit the model, or the model gives
            probabilities.
        OSError: If the file can't be read.

    Example:

    >>> import tempfile
    >>> import keras_reparam as kr
    >>> keras.utils.set_random_seed(0)
    >>> inputs = keras.Input((20, 8))
    >>> x = keras.layers.Dense(16, activation="relu")(inputs)
    >>> model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    >>> clips = np.random.default_rng(0).normal(size=(40, 20, 8)).astype("float32")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/model.tflite"
    ...     report = kr.export_tflite(model, path, quantization="float32")
    ...     report = kr.verify_tflite(path, model, clips)
    >>> report.passed, report.comparison.max_absolute_error < 1e-5
    (True, True)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a `keras.Model`. Received: {model!r} of type {type(model).__name__}"
        )
    target = Path(path)
    content = read_model(target)
    runtime = Runtime(content, origin=f"'{target}'")
    shape, taken = runtime.input_shape[1:], input_shape(model)
    if not _fits(shape, taken) and not _fits(shape, file_shape(model)):
        raise ValueError(
            f"The file and the model must take the same input. Received: '{target}' with input "
            f"shape {list(shape)} and a model with {list(taken)}"
        )
    about = read_metadata(content)
    inside = about.labels
    names = _class_names(labels, inside, runtime.num_classes)
    head = dataclasses.replace(about, labels=names).scoring
    waves = checked_clips(clips, shape, "clips")
    scores, expected, furthest = _run(runtime, model, waves, head, about.head)
    known = None if truth is None else head.checked_truth(truth, len(scores))
    kind = quantization_kind(read_tflite(content).subgraphs)
    compared = compare_scores(scores, expected, known, head=head)
    bound = tolerance
    if bound is None and kind in _DIFFERENCE:
        bound = head.width * _DIFFERENCE[kind]
    least = None if kind == "float32" else _LEAST_TOP1_AGREEMENT
    checks = _score_checks(compared, bound, least, head)
    passed = all(check.passed for check in checks)
    if not passed and (order := _other_order(scores, expected, head)) is not None:
        checks[0] = dataclasses.replace(checks[0], hint=_reordered(order))
    differences: tuple[OperatorDifference, ...] = ()
    if operators or not passed:
        differences = compare_operators(
            content, convert(model, shape, about.head).content, furthest
        )
    if labels is not None and inside:
        checks.append(_labels_check(inside, names))
    return VerificationReport(
        path=target,
        kind=kind,
        head=about.head,
        labels=names,
        comparison=compared,
        checks=tuple(checks),
        operators=differences,
        operator_bound=_OPERATOR_ERROR.get(kind, _OPERATOR_ERROR_8_BITS),
        scores=scores,
        expected=expected,
    )


def _fits(shape: tuple[int, ...], taken: tuple[int | None, ...]) -> bool:
    return len(shape) == len(taken) and all(
        n in (None, m) for n, m in zip(taken, shape, strict=True)
    )


def _run(
    runtime: Runtime, model: keras.Model, clips: Iterator[np.ndarray], head: Head, name: str
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Scores of the file and of the model, and the clips in which they differ most.

    No more clips are held than a batch and those few.
    """
    scores, expected = [], []
    furthest: list[tuple[float, np.ndarray]] = []
    while batch := list(itertools.islice(clips, _BATCH)):
        logits = _model_logits(model, np.stack(batch))
        if not expected and head.takes_logits and logits.min() >= 0 and logits.max() <= 1:
            refuse_probabilities(convert(model, batch[0].shape, name), batch)
        expected.append(head.scores(logits))
        scores.append(np.stack([runtime(clip) for clip in batch]))
        if expected[-1].shape != scores[-1].shape:
            raise ValueError(
                "The file and the model must have the same classes. Received: "
                f"{runtime.num_classes} scores of the file and {expected[-1].shape[1]} of the model"
            )
        # NaN is as far away as can be.
        away = np.nan_to_num(np.abs(scores[-1] - expected[-1]).max(axis=1), nan=np.inf)
        furthest += zip(away.tolist(), batch, strict=True)
        furthest = sorted(furthest, key=lambda pair: -pair[0])[:_TRACED_CLIPS]
    if sum(map(len, scores)) < 2:
        raise ValueError(
            "`clips` must hold two clips at least, to see whether the scores vary with them. "
            f"Received: {sum(map(len, scores))}"
        )
    return np.concatenate(scores), np.concatenate(expected), [clip for _, clip in furthest]


def _model_logits(model: keras.Model, clips: np.ndarray) -> np.ndarray:
    found = keras.ops.cast(call(model, clips), "float32")
    logits = keras.ops.convert_to_numpy(found).astype("float64")
    if logits.ndim != 2:
        raise ValueError(
            "The model must have one output, logits of shape (batch, classes). "
            f"Received: output shape {logits.shape}"
        )
    return logits


def _class_names(
    labels: Sequence[str] | None, inside: tuple[str, ...], classes: int
) -> tuple[str, ...]:
    names = inside if labels is None else checked_labels(labels)
    names = tuple(names) or tuple(f"class {i}" for i in range(classes))
    if len(names) != classes:
        raise ValueError(
            f"`labels` must name each of the model's {classes} classes. "
            f"Received: {len(names)} labels: {list(names)}"
        )
    return names


def _other_order(scores: np.ndarray, expected: np.ndarray, head: Head) -> list[int] | None:
    """Another order of the file's classes in which its scores are the model's, if there is one."""
    # Here, since it takes a while, and most files need no such search.
    from scipy.optimize import linear_sum_assignment

    if not np.isfinite(scores).all():
        return None
    distance = np.abs(expected[:, :, None] - scores[:, None, :]).mean(axis=0)
    order = linear_sum_assignment(distance)[1].tolist()
    same = head.agreement(scores[:, order], expected)
    return order if order != sorted(order) and same >= _SAME_ORDER else None


def _reordered(order: list[int]) -> str:
    return (
        "The scores agree if the file's classes are taken in another order: "
        f"{', '.join(map(str, order))}. Was it exported from a model with other classes?"
    )


def _score_checks(
    compared: ScoreComparison, tolerance: float | None, least: float | None, head: Head
) -> list[Check]:
    rows = []
    if tolerance is not None:
        passed = compared.max_absolute_error <= tolerance
        found, asked = f"{compared.max_absolute_error:.2e}", f"at most {tolerance:.0e}"
        rows.append(("maximum absolute error of a score", found, asked, passed))
    if least is not None:
        passed = compared.top1_agreement >= least
        found = f"{compared.top1_agreement:.1%} of {compared.clips} clips"
        rows.append((head.agreement_name, found, f"at least {least:.0%}", passed))
    if compared.quality is not None:
        own, model = compared.quality
        # The recalls are sums of shares: the last digit is rounding.
        passed = model - own <= _DROP + 1e-9
        found, asked = f"{100 * (model - own):.1f} points", f"at most {100 * _DROP:.1f}"
        rows.append((f"drop of the {head.quality_name}", found, asked, passed))
    checks = [Check(name=n, found=f, asked=a, passed=p) for n, f, a, p in rows]
    return [*checks, _variation_check(compared, head.least_spread * head.width)]


def _variation_check(compared: ScoreComparison, least: float) -> Check:
    passed = compared.spread >= least
    hint = ""
    if not passed and compared.model_spread < least:
        hint = (
            "The model's own scores hardly vary: it is untrained, or the clips are alike. That "
            "both agree means nothing then."
        )
    elif not passed:
        hint = "The file says nearly the same whatever it hears, and the model does not."
    return Check(
        name="scores vary with the clips",
        found=f"standard deviation {compared.spread:.3f}",
        asked=f"at least {least:g}",
        passed=passed,
        hint=hint,
    )


def _labels_check(inside: tuple[str, ...], names: tuple[str, ...]) -> Check:
    passed = tuple(inside) == names
    return Check(
        name="names of the classes",
        found=", ".join(inside),
        asked=", ".join(names),
        passed=passed,
        hint="" if passed else "An app would show the wrong words. Export with these `labels`.",
    )
