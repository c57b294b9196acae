"""Checks of constructor arguments, shared by the audio layers. Imports neither Keras nor NumPy."""

import numbers


def positive_int(name: str, value: object) -> int:
    """`value` as an `int`, or a `ValueError` that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def non_negative_int(name: str, value: object) -> int:
    """`value` as an `int` of at least 0, or a `ValueError` that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise ValueError(f"`{name}` must be an integer of at least 0. Received: {name}={value!r}")
    return int(value)


def one_of(name: str, value: object, allowed: tuple) -> object:
    """`value` if it is one of `allowed`, or a `ValueError` that lists them."""
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: {name}={value!r}"
        )
    return value
