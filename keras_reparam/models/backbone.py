"""What all backbones share."""

import keras


class Backbone(keras.Model):
    """A functional model `features -> logits` whose config is the arguments of its class.

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


def policy_of(dtype) -> keras.DTypePolicy:
    """The dtype policy that a class's argument `dtype` stands for; `None`: the global one."""
    return keras.dtype_policies.get(keras.config.dtype_policy() if dtype is None else dtype)
