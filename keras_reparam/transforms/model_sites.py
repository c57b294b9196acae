"""`ModelSites`: what a method asks of a model when it chooses its layers."""

import functools
from collections.abc import Callable

import keras

from keras_reparam.transforms.feed_forward import first_linear_layers
from keras_reparam.transforms.linear_flow import LinearFlow, between
from keras_reparam.transforms.linear_layers import walk


class ModelSites:
    """A model's layers, what it declares of them, and its feed-forward networks.

    Args:
        model: A built model.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def layers(self) -> list[keras.layers.Layer]:
        """All layers, in the model's order."""
        return [layer for _, layer in walk(self.model)]

    @functools.cached_property
    def traced(self) -> tuple[set[int], set[int]]:
        """See `first_linear_layers`."""
        return first_linear_layers(self.model)

    def feed_forward(self) -> list[keras.layers.Layer]:
        """The first linear layers of feed-forward networks."""
        return [layer for layer in self.layers() if id(layer) in self.traced[0]]

    @functools.cached_property
    def flow(self) -> LinearFlow:
        """Where the model's linear layers stand."""
        return LinearFlow.of(self.model)

    def between(self) -> list[keras.layers.Layer]:
        """The linear layers but the first projection and the classifier."""
        return between(self.model, self.flow)

    def declared(
        self, method: str, otherwise: Callable[[], list[keras.layers.Layer]]
    ) -> list[keras.layers.Layer]:
        """The layers that objects with `default_reparam_layers` name among those below them.

        Args:
            method: A method's name, for which they declare the names of layers.
            otherwise: Gives the layers to take where no object around them declares any; asked
                only if there are any.
        """
        names = {
            id(layer): getattr(layer, "default_reparam_layers", {}).get(method)
            for layer in (self.model, *self.layers())
        }
        owners = [x for x in (self.model, *self.layers()) if names[id(x)] is not None]
        below = {id(owner): [layer for _, layer in walk(owner)] for owner in owners}
        inside = {id(layer) for layers in below.values() for layer in layers}
        chosen = {
            id(layer)
            for owner in owners
            for layer in below[id(owner)]
            if layer.name in names[id(owner)]
        }
        outside = {id(layer) for layer in self.layers()} - inside - {id(x) for x in owners}
        if outside:
            chosen |= outside & {id(layer) for layer in otherwise()}
        return [layer for layer in self.layers() if id(layer) in chosen]
