"""One training on all devices of a computer."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

from recipes.common.settings import TrainingSettings


@contextlib.contextmanager
def all_devices(settings: TrainingSettings) -> Iterator[int]:
    """Within it models are made, and trained, on all devices, which share every batch.

    All GPUs of this computer, or else what devices the backend shows. No variable of the model may
    be older than this; afterwards variables can be read, and new ones are those of one device.

    Args:
        settings: The recipe; its batch is that of all devices together.

    Yields:
        The number of devices.

    Raises:
        ValueError: If they can't share the batch evenly, or the backend can't do it so.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        context = _mirrored()
    elif backend == "jax":
        context = _data_parallel()
    else:
        raise ValueError(
            f"`distribute` needs the TensorFlow or JAX backend. Received: backend={backend!r}"
        )
    with context as devices:
        if settings.batch_size % devices:
            raise ValueError(
                f"With `distribute`, `batch_size` must be a multiple of the number of devices, "
                f"here {devices}. Received: batch_size={settings.batch_size}"
            )
        if replicas() > 1 and settings.xla is True:
            raise ValueError(
                "With `distribute` on several devices of TensorFlow, XLA can't compile the step. "
                'Set `xla` to false or "auto", or use KERAS_BACKEND=jax. Received: xla=True'
            )
        yield devices


def replicas() -> int:
    """Copies of the training step that run side by side, each with variables of its own.

    On JAX it is one, on however many devices.
    """
    if keras.config.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


@contextlib.contextmanager
def _mirrored() -> Iterator[int]:
    import tensorflow as tf

    logger = tf.get_logger()
    level = logger.level
    # It logs which devices it uses, and warns of those that are no GPUs.
    logger.setLevel("ERROR")
    try:
        strategy = _strategy()
        with strategy.scope():
            yield strategy.num_replicas_in_sync
    finally:
        logger.setLevel(level)


@functools.cache
def _strategy() -> Any:
    import tensorflow as tf

    # One for all trainings of a process: what a second one adds up over the devices gets numbers
    # that the first one has used, and TensorFlow takes it for the same.
    return tf.distribute.MirroredStrategy()


@contextlib.contextmanager
def _data_parallel() -> Iterator[int]:
    distribution = keras.distribution.DataParallel()
    with distribution.scope():
        yield distribution.device_mesh.devices.size
