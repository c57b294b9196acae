"""`ReparamConfig`: a method, as an object that says which layers train how."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, Self

import keras


class Sites(Protocol):
    """What a method may ask of a model when it chooses its layers."""

    def declared(
        self, method: str, otherwise: Callable[[], list[keras.layers.Layer]]
    ) -> list[keras.layers.Layer]: ...

    def feed_forward(self) -> list[keras.layers.Layer]: ...

    def between(self) -> list[keras.layers.Layer]: ...

    def layers(self) -> list[keras.layers.Layer]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReparamConfig:
    """A method of re-parameterization: train a plain layer in another form, merge it back.

    The object is the method, as in Keras's `quantize(mode, config=...)`: `keras_reparam.expand`
    takes one, and every layer in its training form can give its own, `layer.method`. A method is
    a subclass, a frozen dataclass whose fields are its options, with a class of layers for every
    plain class that it can train (`keras_reparam.layers.training_form`). `HRF` and `Branches` are
    the examples to read.

    Attributes:
        name: The method's name, in declarations and messages.
        default_target: What it expands where the user names nothing, in words.
        training_classes: The class in training for each plain class.
    """

    name: ClassVar[str]
    default_target: ClassVar[str] = (
        "feed-forward network (a linear layer d -> f that reaches a linear layer f -> d through "
        "activation and dropout alone)"
    )
    training_classes: ClassVar[dict[type, type]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.training_classes = {}

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the method's options, which its layers have as attributes."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def get_config(self) -> dict[str, Any]:
        """The options by name."""
        return {name: getattr(self, name) for name in self.options()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The method with these options; an older file may lack some."""
        return cls(**config)

    @property
    def keeps_function(self) -> bool:
        """Whether a layer in training form is the plain layer at inference, as `expand` promises.

        A quantizer changes it: `keras_reparam.quantize_aware`.
        """
        return True

    def targets(self, sites: Sites) -> list[keras.layers.Layer]:
        """The layers of a model that are expanded where the user names none.

        By default what models and layers declare for the layers below them, in an attribute
        `default_reparam_layers`: names of layers by the method's name; elsewhere the first linear
        layers of feed-forward networks.

        Args:
            sites: The model's layers, its declarations and its feed-forward networks.
        """
        return sites.declared(self.name, sites.feed_forward)

    def obstacle(self, layer: keras.layers.Layer) -> str:
        """Why a built layer of one of the plain classes cannot be trained so; or `""`."""
        return ""

    def at(
        self, layer: keras.layers.Layer, surroundings: Sequence[keras.layers.Layer]
    ) -> "ReparamConfig":
        """The options for one layer: no `None` that stands for "as the site says" is left.

        Args:
            layer: The plain layer, built.
            surroundings: The layers and models around it, the innermost first.
        """
        return self
