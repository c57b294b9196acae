"""What a save in progress wants to know of HRF layers."""

import contextlib
import contextvars
from collections.abc import Iterator

SAVING_MERGED = contextvars.ContextVar("keras_reparam_saving_merged", default=False)
CONFIGS_ASKED = contextvars.ContextVar("keras_reparam_configs_asked", default=None)


@contextlib.contextmanager
def saving_merged() -> Iterator[None]:
    """Within it, HRF layers save what the plain layer would: merged kernel and bias."""
    token = SAVING_MERGED.set(True)
    try:
        yield
    finally:
        SAVING_MERGED.reset(token)


@contextlib.contextmanager
def recording_configs() -> Iterator[set[int]]:
    """Within it, the ids of the HRF layers that a config describes are collected."""
    seen: set[int] = set()
    token = CONFIGS_ASKED.set(seen)
    try:
        yield seen
    finally:
        CONFIGS_ASKED.reset(token)
