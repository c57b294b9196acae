"""Runs a `.tflite` file of any inputs once, on values that it may take. Imports NumPy alone."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

# A file that takes nothing of all this is given up after some seconds or tries.
_SECONDS, _MOST_TRIES = 5.0, 24
# Lengths of an axis that may change: what the file itself says, frames, a second of sound.
_LENGTHS = (None, 16, 256, 16000)


def try_graph(
    load: Callable[[], "Interpreter"], *, finite: bool = True
) -> tuple["Interpreter", list[np.ndarray]]:
    """Runs the first graph of a file.

    Args:
        load: Gives a new interpreter of the file.
        finite: Whether its outputs must be finite.

    Returns:
        The interpreter, which has run, and the inputs that it ran on.

    Raises:
        ValueError: If it runs on none of the inputs that were tried, with the reason why it does
            not on the first ones.
    """

    def attempt(values: list[np.ndarray]) -> "Interpreter":
        interpreter = load()
        details = interpreter.get_input_details()
        for each, value in zip(details, values, strict=True):
            if value.shape != tuple(each["shape"]):
                interpreter.resize_tensor_input(each["index"], value.shape)
        interpreter.allocate_tensors()
        for each, value in zip(details, values, strict=True):
            interpreter.set_tensor(each["index"], value)
        interpreter.invoke()
        for each in interpreter.get_output_details():
            output = interpreter.get_tensor(each["index"])
            if finite:
                _check_finite(each["name"], output)
        return interpreter

    return _first_that_runs(attempt, load().get_input_details())


def try_signatures(interpreter: "Interpreter") -> None:
    """Runs every signature of a file, in an order in which all of them run.

    One may set the state that another one reads.

    Raises:
        ValueError: If one does not run, with its name and the reason.
    """
    waiting = list(interpreter.get_signature_list())
    while waiting:
        failed = {}
        for name in waiting:
            try:
                _try_signature(interpreter.get_signature_runner(name))
            except (ValueError, RuntimeError) as error:
                failed[name] = error
        if len(failed) == len(waiting):
            name, error = next(iter(failed.items()))
            raise ValueError(f"signature '{name}': {error}")
        waiting = list(failed)


def _try_signature(runner: Any) -> None:
    details = runner.get_input_details()

    def attempt(values: list[np.ndarray]) -> None:
        for name, value in runner(**dict(zip(details, values, strict=True))).items():
            _check_finite(name, value)

    _first_that_runs(attempt, list(details.values()))


def _check_finite(name: str, values: np.ndarray) -> None:
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise ValueError(f"NaN or infinity in '{name}'")


def _first_that_runs(
    attempt: Callable[[list[np.ndarray]], Any], details: Sequence[dict]
) -> tuple[Any, list[np.ndarray]]:
    end, reason = time.monotonic() + _SECONDS, None
    for values in possible_inputs(details):
        try:
            return attempt(values), values
        except (ValueError, RuntimeError) as error:
            reason = reason or error
        if time.monotonic() > end:
            break
    assert reason is not None
    raise reason


def possible_inputs(details: Sequence[dict]) -> Iterator[list[np.ndarray]]:
    """What a graph of these inputs may take, the likeliest first.

    Noise, then positive noise, since it may take a logarithm. An integer may be a number (k,
    a length), an index, a size that another input has, or one of several axes.

    Args:
        details: An interpreter's dictionaries of the inputs: `shape`, `shape_signature`, `dtype`
            and `quantization`.

    Yields:
        An array for every input.
    """
    dynamic = any(-1 in each["shape_signature"] for each in details)
    for length in _LENGTHS if dynamic else _LENGTHS[:1]:
        shapes = [_shape(each, length) for each in details]
        counted = [i for i, each in enumerate(details) if _kind(each) == "integer"]
        real = any(_kind(each) == "real" for each in details)
        for numbers in _numbers(shapes, len(counted)):
            chosen = dict(zip(counted, numbers, strict=True))
            for positive in (False, True)[: 1 + real]:
                yield [
                    _values(each, shape, chosen.get(i, 0), positive)
                    for i, (each, shape) in enumerate(zip(details, shapes, strict=True))
                ]


def _kind(details: dict) -> str:
    if details["quantization"][0] > 0 or np.dtype(details["dtype"]).kind in "fc":
        return "real"
    return "integer" if np.dtype(details["dtype"]).kind in "iub" else "text"


def _shape(details: dict, length: int | None) -> tuple[int, ...]:
    shape, signature = details["shape"].tolist(), details["shape_signature"].tolist()
    if length is None:
        return tuple(shape)
    # The first of several axes is the batch.
    grows = [n == -1 and (axis > 0 or len(shape) == 1) for axis, n in enumerate(signature)]
    return tuple(length if grow else n for n, grow in zip(shape, grows, strict=True))


def _numbers(shapes: Sequence[tuple[int, ...]], count: int) -> Iterator[tuple[int | None, ...]]:
    """Numbers for `count` integer inputs; `None` stands for 0, 1, 2, ..."""
    lengths = sorted({n for shape in shapes for n in shape if n > 2})[:3]
    # By 0 some kernels divide, unchecked.
    choices = [1, 0, 2, *lengths, None]
    alike = [(choice,) * count for choice in choices]
    mixed = (each for each in itertools.product(choices, repeat=count) if each not in alike)
    tries = itertools.chain(alike, mixed) if count else [()]
    return itertools.islice(tries, _MOST_TRIES)


def _values(
    details: dict, shape: tuple[int, ...], number: int | None, positive: bool
) -> np.ndarray:
    dtype = np.dtype(details["dtype"])
    match _kind(details):
        case "text":
            return np.full(shape, b"1")
        case "integer" if number is None:
            return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
        case "integer":
            return np.full(shape, number).astype(dtype)
    noise = np.random.default_rng(0).normal(0, 0.1, shape)
    noise = np.abs(noise) + 0.01 if positive else noise
    scale, zero_point = details["quantization"]
    if scale > 0:
        bounds = np.iinfo(dtype)
        noise = np.clip(np.round(noise / scale) + zero_point, bounds.min, bounds.max)
    return noise.astype(dtype)
