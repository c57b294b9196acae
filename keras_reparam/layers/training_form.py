"""`training_form`: makes a class the training form of a plain Keras layer."""

from collections.abc import Callable

import keras

from keras_reparam.layers.reparam_config import ReparamConfig


def training_form(
    method: type[ReparamConfig], plain_class: type[keras.layers.Layer], *, name: str
) -> Callable[[type], type]:
    """Class decorator: a `ReparamLayer` in which `method` trains layers of `plain_class`.

    The class is registered with Keras under `name`, and its `__name__` becomes the plain
    layer's: Keras names weights in a file after the class name, so a light model's checkpoint
    loads into its expanded twin, and default layer names stay those of the plain layer. The
    registered name and `__qualname__` remain the class's own.
    """

    def decorate(cls: type) -> type:
        cls.plain_class = plain_class
        cls.method_class = method
        method.training_classes[plain_class] = cls
        cls = keras.saving.register_keras_serializable("keras_reparam", name)(cls)
        cls.__name__ = plain_class.__name__
        return cls

    return decorate
