"""Checks of constructor arguments, shared by the backbones."""

from typing import Any

from keras_reparam._utils.validation import is_finite, positive_int


def rate(name: str, value: Any) -> float:
    """`value` as a dropout rate, or a `ValueError` that names the argument."""
    if not is_finite(value) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be a number from 0 to below 1. Received: {name}={value!r}")
    return float(value)


def divisible(name: str, value: int, by: str, divisor: int) -> None:
    """Raises a `ValueError` unless `value` is a multiple of `divisor`."""
    if value % divisor:
        raise ValueError(
            f"`{name}` must be a multiple of `{by}`. Received: {name}={value}, {by}={divisor}"
        )


def odd(name: str, value: Any) -> int:
    """`value` as an odd `int`, or a `ValueError` that names the argument."""
    if positive_int(name, value) % 2 == 0:
        raise ValueError(f"`{name}` must be odd, to have a centre. Received: {name}={value!r}")
    return int(value)


def positive_ints(name: str, values: Any, *, count: int | None = None) -> tuple[int, ...]:
    """`values` as a tuple of positive `int`s, or a `ValueError` that names the argument."""
    if not isinstance(values, tuple | list) or not values or count not in (None, len(values)):
        number = "" if count is None else f"{count} "
        raise ValueError(
            f"`{name}` must be a tuple of {number}positive integers. Received: {name}={values!r}"
        )
    return tuple(positive_int(name, value) for value in values)
