"""What all backbones share."""

import keras
import numpy as np


class Backbone(keras.Model):
    """A functional model `features -> logits` whose config is the arguments of its class.

    Each declares which layers a method expands by default: `default_reparam_layers`, see
    `keras_reparam.layers.ReparamConfig.targets`. The last layer of each, a plain `Dense` that gives
    the logits, is called `classifier`.

    Called on a NumPy array, it raises a `ValueError` for NaN, infinity and clips without a frame.
    Tensors, and what `fit` and `predict` make of arrays, pass as through every Keras layer: to
    look at their values would stop the graph.

    Args:
        features: Symbolic input `(batch, frames, num_mels)`.
        logits: Symbolic output `(batch, num_classes)`.
        arguments: The class's own arguments; each becomes an attribute and part of the config.
        policy: dtype policy of the layers.
        name: Name of the model.
        trainable: Whether its weights are trained.
    """

    def __init__(self, features, logits, *, arguments, policy, name, trainable):
        super().__init__(features, logits, name=name, trainable=trainable)
        self.dtype_policy = policy
        self.supports_masking = True
        self._argument_names = tuple(arguments)
        for argument, value in arguments.items():
            setattr(self, argument, value)

    def __call__(self, *args, **kwargs):
        if args and isinstance(args[0], np.ndarray):
            _check_features(args[0])
        return super().__call__(*args, **kwargs)

    def compute_mask(self, features, previous_mask=None):
        # Logits have no frames, so no mask.
        return None

    def get_config(self):
        # Not through super(): a functional model's config lists its layers, this one's its
        # arguments.
        config = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = keras.dtype_policies.serialize(self.dtype_policy)
        return {**config, **{name: getattr(self, name) for name in self._argument_names}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def _check_features(features: np.ndarray) -> None:
    if 0 in features.shape[1:]:
        raise ValueError(
            "Features must have at least one frame. "
            f"Received: features of the shape {features.shape}"
        )
    invalid = 0 if features.dtype.kind != "f" else np.sum(~np.isfinite(features))
    if invalid:
        raise ValueError(
            "Features must be finite; a front end with a log floor, such as "
            "`keras_reparam.audio.LogMel`, makes them so for every finite waveform. "
            f"Received: {invalid} of {features.size} values NaN or infinite"
        )


def policy_of(dtype) -> keras.DTypePolicy:
    """The dtype policy that a class's argument `dtype` stands for; `None`: the global one."""
    return keras.dtype_policies.get(keras.config.dtype_policy() if dtype is None else dtype)
