"""What a save in progress wants to know of HRF layers."""

import contextlib
import contextvars
from collections.abc import Iterator

import numpy as np

Weights = dict[int, tuple[np.ndarray, np.ndarray | None]]

MERGED_WEIGHTS: contextvars.ContextVar[Weights | None] = contextvars.ContextVar(
    "keras_reparam_merged_weights", default=None
)
CONFIGS_ASKED: contextvars.ContextVar[set[int] | None] = contextvars.ContextVar(
    "keras_reparam_configs_asked", default=None
)


@contextlib.contextmanager
def saving_merged(weights: Weights) -> Iterator[None]:
    """Within it, HRF layers save what the plain layer would: these kernels and biases, by id."""
    token = MERGED_WEIGHTS.set(weights)
    try:
        yield
    finally:
        MERGED_WEIGHTS.reset(token)


@contextlib.contextmanager
def recording_configs() -> Iterator[set[int]]:
    """Within it, the ids of the HRF layers that a config describes are collected."""
    seen: set[int] = set()
    token = CONFIGS_ASKED.set(seen)
    try:
        yield seen
    finally:
        CONFIGS_ASKED.reset(token)
