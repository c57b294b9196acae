"""`ModelTree`: the layers of a model, and their twins in a model rebuilt from it."""

import dataclasses

import keras

from keras_reparam.layers import ReparamLayer
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import places


@dataclasses.dataclass(frozen=True)
class Twins:
    """A layer of a model and the one that stands in its place in another.

    Attributes:
        path: Layer names from the model down, joined by `/`; the name of the model for itself.
        first: The layer of the one model.
        second: That of the other: of the same class, with factors or without.
    """

    path: str
    first: keras.layers.Layer
    second: keras.layers.Layer


class ModelTree:
    """Every layer of a model, itself first and then depth first, with its path of names.

    Args:
        model: A model. What is built later is in trees made later.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.layers: list[tuple[str, keras.layers.Layer]] = []
        # For each place in the model the index of its layer: layers in several places repeat.
        self._places: list[tuple[str, int]] = []
        indices: dict[int, int] = {}
        for path, layer, known in [(model.name, model, False), *places(model)]:
            if not known:
                indices[id(layer)] = len(self.layers)
                self.layers.append((path, layer))
            self._places.append((path, indices[id(layer)]))

    def twins(self, other: "ModelTree", *, complete: bool = True) -> list[Twins]:
        """The layers of both models, pair by pair.

        Args:
            other: The tree of a model rebuilt from this one.
            complete: Whether layers of another class, or without a twin, are an error; otherwise
                the pairs end before the first.

        Raises:
            ValueError: If the models differ; the error names the layer.
        """
        pairs = []
        known = {kind(layer) for _, layer in self.layers}
        for (path, first), (_, second) in zip(self._places, other._places, strict=False):
            if first < len(pairs) and first == second:
                continue
            if (first, second) != (len(pairs), len(pairs)):
                # One of them has been here before.
                if not complete:
                    return pairs
                place, which = self.layers[first][0], "rebuilt from the config"
                if first == len(pairs):
                    place, which = other.layers[second][0], "in the model"
                raise ValueError(
                    f"'{path}' and '{place}' are one shared layer, but two {which}. Let a layer "
                    "be shared inside one model, or by the code of one class."
                )
            twins = Twins(path, self.layers[first][1], other.layers[second][1])
            if not _same_kind(twins, known):
                if not complete:
                    return pairs
                raise ValueError(
                    f"Layer '{path}' is of {kind(twins.first)}, but rebuilt from the config of "
                    f"{kind(twins.second)}. Name its class in the config of what holds it."
                )
            pairs.append(twins)
        if complete and len(self._places) != len(other._places):
            longer = self if len(self._places) > len(other._places) else other
            path = longer._places[min(len(self._places), len(other._places))][0]
            raise ValueError(
                f"The rebuilt model has {len(other.layers)} layers where {len(self.layers)} were "
                f"expected: {type(self.model).__name__} rebuilds itself differently from its "
                f"config. The first layer without a twin is '{path}'."
            )
        return pairs


def kind(layer: keras.layers.Layer) -> type:
    """The class of a layer without factors."""
    return layer.plain_class if isinstance(layer, ReparamLayer) else original_class(layer)


def _same_kind(twins: Twins, known: set[type]) -> bool:
    """Whether two layers are of one class, with factors or without.

    A class that is defined within `__init__` is another object each time; it is none of the known
    ones, as a class of the same name that was taken for it would be.
    """
    first, second = kind(twins.first), kind(twins.second)
    names = [(cls.__module__, cls.__qualname__) for cls in (first, second)]
    return first is second or (names[0] == names[1] and second not in known)
