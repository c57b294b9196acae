"""Mixup as a Keras layer."""

import math
from collections.abc import Mapping

import keras
from keras import ops

from keras_reparam._utils.validation import positive_number

_REQUIRED = ("features", "targets")
_OPTIONAL = ("mask", "sample_weight")


@keras.saving.register_keras_serializable(package="keras_reparam")
class MixUp(keras.layers.Layer):
    """`weight * clip + (1 - weight) * other`, features and targets alike, in training alone.

    The other clips are the same batch in random order; each pair's weight is drawn from
    Beta(alpha, alpha). Frames that are not valid count as zeros - the mean, if the features are
    normalised - and a frame of the result is valid if it is so in one of both clips. The layer
    also takes waveforms, without a mask: there the zeros after a clip are its padding.

    Unlike `keras.layers.MixUp` it knows masks and sample weights, and compiles under XLA, so it
    may run wherever a batch passes: in a data set, in `tf.data`, in a train step. Everything
    keeps its dtype under every dtype policy, targets above all.

    Args:
        alpha: Parameter of the Beta distribution, greater than 0: weights are near 0 or 1 if it
            is small, uniform if it is 1, near 1/2 if it is large.
        seed: Integer for reproducible pairs and weights. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        inputs: Dictionary of floating-point tensors and one mask, all with the same first
            dimension:
            `"features"`: `(batch, frames, ...)`, or waveforms `(batch, samples)`.
            `"targets"`: `(batch, ...)`, one-hot or soft.
            `"mask"` (optional): boolean `(batch, frames)`: the valid frames.
            `"sample_weight"` (optional): `(batch, ...)`; mixed as the targets are.
        training: Whether to mix anything.

    Returns:
        Dictionary with the same keys, shapes and dtypes.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    In a data set for `model.fit`, on every backend:

    >>> import keras
    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> class Batches(keras.utils.PyDataset):
    ...     mix_up = kr.audio.MixUp(alpha=0.2, seed=1)
    ...
    ...     def __len__(self):
    ...         return 2
    ...
    ...     def __getitem__(self, index):
    ...         batch = {
    ...             "features": np.random.normal(size=(8, 50, 20)).astype("float32"),
    ...             "mask": np.ones((8, 50), bool),
    ...             "targets": np.eye(4, dtype="float32")[np.arange(8) % 4],
    ...             "sample_weight": np.ones(8, "float32"),
    ...         }
    ...         mixed = self.mix_up(batch, training=True)
    ...         inputs = mixed["features"], mixed["mask"]
    ...         return inputs, mixed["targets"], mixed["sample_weight"]
    >>> (features, mask), targets, weights = Batches()[0]
    >>> bool(np.allclose(np.sum(np.array(targets), axis=1), 1))
    True

    In a `tf.data` pipeline of such dictionaries, with the TensorFlow backend:

        dataset = dataset.batch(32).map(lambda batch: mix_up(batch, training=True))

    In the compiled train step of a model that has the layer as its attribute `mix_up`, which
    costs least, with the TensorFlow backend:

        def train_step(self, data):
            (features, mask), targets = data
            batch = {"features": features, "mask": mask, "targets": targets}
            batch = self.mix_up(batch, training=True)
            return super().train_step(((batch["features"], batch["mask"]), batch["targets"]))

    Reference:
        Zhang et al., mixup: Beyond empirical risk minimization, ICLR 2018, section 2.
    """

    def __init__(self, *, alpha: float = 0.2, seed: int | None = None, **kwargs):
        # Without autocast: a policy with 16 bits must not round targets and sample weights.
        super().__init__(autocast=False, **kwargs)
        self.alpha = positive_number("alpha", alpha)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        _check(inputs)
        if not training:
            return inputs
        inputs = dict(inputs)
        mask = inputs.pop("mask", None)
        if mask is not None:
            features = inputs["features"]
            inputs["features"] = ops.where(_expand(mask, features), features, 0)
        batch = ops.shape(inputs["features"])[0]
        # One draw: every eager operation costs a good part of the mixing itself.
        uniform = keras.random.uniform((3, batch), dtype="float32", seed=self.seed_generator)
        order, weight = ops.argsort(uniform[0]), self._weights(uniform[1], uniform[2])
        mixed = {name: _mix(value, order, weight) for name, value in inputs.items()}
        if mask is not None:
            mixed["mask"] = ops.logical_or(mask, ops.take(mask, order, axis=0))
        return mixed

    def _weights(self, radius, angle):
        """`(batch,)` draws from Beta(alpha, alpha), from uniform ones.

        Bailey's polar method for Student's t, of which the symmetric Beta distribution is a
        function (Devroye, Random variate generation in one line of code, 1996, section 4): no
        rejection, so that XLA compiles it, which it does not do with `keras.random.beta` on
        TensorFlow.
        """
        radius = ops.power(radius, 1 / self.alpha)
        cosine = ops.cos(2 * math.pi * angle)
        square = (1 - radius) * ops.square(cosine)
        return (1 + ops.sign(cosine) * ops.sqrt(square / (square + radius))) / 2

    def compute_output_spec(self, inputs, training=False):
        _check(inputs)
        return {
            name: keras.KerasTensor(value.shape, dtype=value.dtype)
            for name, value in inputs.items()
        }

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}


def _mix(value, order, weight):
    """`weight * value + (1 - weight) * value[order]`, in float32 at least."""
    dtype = keras.backend.result_type(value.dtype, "float32")
    weight = ops.cast(_expand(weight, value), dtype)
    other = ops.cast(ops.take(value, order, axis=0), dtype)
    return ops.cast(weight * ops.cast(value, dtype) + (1 - weight) * other, value.dtype)


def _expand(value, like):
    """`value` with as many dimensions as `like`, the new ones last."""
    return ops.reshape(value, (*ops.shape(value), *[1] * (len(like.shape) - len(value.shape))))


def _check(inputs) -> None:
    if (
        not isinstance(inputs, Mapping)
        or not set(_REQUIRED) <= set(inputs)
        or not set(inputs) <= {*_REQUIRED, *_OPTIONAL}
    ):
        received = sorted(inputs) if isinstance(inputs, Mapping) else type(inputs).__name__
        raise ValueError(
            "MixUp expects a dictionary with the keys 'features', 'targets', and optionally "
            f"'mask' and 'sample_weight'. Received: {received}"
        )
    shapes = {name: tuple(value.shape) for name, value in inputs.items()}
    if len({shape[:1] for shape in shapes.values()} - {(None,)}) > 1:
        raise ValueError(
            f"MixUp expects one and the same first dimension. Received: shapes={shapes}"
        )
    for name in inputs.keys() - {"mask"}:
        dtype = keras.backend.standardize_dtype(inputs[name].dtype)
        if "float" not in dtype:
            raise ValueError(
                "MixUp expects floating-point values; make classes one-hot first "
                f"(`keras.ops.one_hot`). Received: dtype={dtype} of inputs[{name!r}]"
            )
    if "mask" in inputs:
        _check_mask(inputs["mask"], inputs["features"])


def _check_mask(mask, features) -> None:
    dtype = keras.backend.standardize_dtype(mask.dtype)
    shape, expected = tuple(mask.shape), tuple(features.shape)[:2]
    if dtype != "bool" or len(shape) != 2 or not _compatible(shape, expected):
        raise ValueError(
            "MixUp expects a boolean mask (batch, frames) of features (batch, frames, ...). "
            f"Received: mask of shape {shape} and dtype {dtype}, "
            f"features of shape {tuple(features.shape)}"
        )


def _compatible(one: tuple, other: tuple) -> bool:
    return len(one) == len(other) and all(
        None in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True)
    )
