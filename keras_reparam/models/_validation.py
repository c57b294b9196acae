"""Checks of constructor arguments, shared by the backbones."""

from collections.abc import Callable
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


def as_given(
    name: str, value: Any, count: int, each: Callable[[str, Any], Any] = positive_int
) -> Any:
    """One positive `int` for all, or a tuple of `count`; else a `ValueError` naming the argument.

    `each` checks an entry of the tuple.
    """
    if not isinstance(value, tuple | list):
        return positive_int(name, value)
    if len(value) != count:
        raise ValueError(
            f"`{name}` must be a positive integer, or one for each of {count}. "
            f"Received: {name}={value!r}"
        )
    return tuple(each(name, item) for item in value)


def number_or_pair(name: str, value: Any) -> Any:
    """One positive `int`, or a pair; else a `ValueError` that names the argument."""
    return as_given(name, value, 2)


def repeated(value: Any, count: int) -> tuple:
    """What `as_given` returned, as a tuple of `count`."""
    return value if isinstance(value, tuple) else (value,) * count


def unified(values: list) -> Any:
    """The reverse of `repeated`: one number if all are equal; pairs would be taken for several."""
    first = values[0]
    return first if len(set(values)) == 1 and isinstance(first, int) else tuple(values)
