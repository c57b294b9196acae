"""Checks of arguments. Imports neither Keras nor NumPy."""

import math
import numbers
from typing import Any


def positive_int(name: str, value: Any) -> int:
    """`value` as an `int`, or a `ValueError` that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def non_negative_int(name: str, value: Any) -> int:
    """`value` as an `int` of at least 0, or a `ValueError` that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise ValueError(f"`{name}` must be an integer of at least 0. Received: {name}={value!r}")
    return int(value)


def boolean(name: str, value: Any) -> bool:
    """`value` if it is a `bool`, or a `ValueError` that names the argument."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return value


def one_of(name: str, value: Any, allowed: tuple) -> Any:
    """`value` if it is one of `allowed`, or a `ValueError` that lists them."""
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: {name}={value!r}"
        )
    return value


def finite_number(name: str, value: Any) -> float:
    """`value` as a `float`, or a `ValueError` that names the argument."""
    if not is_finite(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    return float(value)


def positive_number(name: str, value: Any) -> float:
    """`value` as a `float` greater than 0, or a `ValueError` that names the argument."""
    if not is_finite(value) or value <= 0:
        raise ValueError(
            f"`{name}` must be a finite number greater than 0. Received: {name}={value!r}"
        )
    return float(value)


def fraction(name: str, value: Any) -> float:
    """`value` as a `float` from 0 to 1, or a `ValueError` that names the argument."""
    if not is_finite(value) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be a number from 0 to 1. Received: {name}={value!r}")
    return float(value)


def interval(name: str, value: Any) -> tuple[float, float]:
    """`value` as a pair of `float`, or a `ValueError` that names the argument."""
    if (
        not isinstance(value, (tuple, list))
        or len(value) != 2
        or not all(map(is_finite, value))
        or value[0] > value[1]
    ):
        raise ValueError(
            f"`{name}` must be a pair (lowest, highest) of finite numbers. "
            f"Received: {name}={value!r}"
        )
    return float(value[0]), float(value[1])


def is_finite(value: Any) -> bool:
    """Whether `value` is a finite number; truth values are none."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)
