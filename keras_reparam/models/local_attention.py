"""Which encoder layers attend within windows, and whose outputs are aggregated.

Shared by the backbones with an encoder behind `ConvSubsampling`.
"""

import dataclasses
from typing import Any

import keras

from keras_reparam.models._validation import positive_int
from keras_reparam.models.feature_aggregation import FeatureAggregation
from keras_reparam.models.time_blocks import num_blocks


@dataclasses.dataclass(frozen=True)
class LocalAttention:
    """The checked arguments `num_windows`, `global_layers` and `feature_layers` of a backbone.

    Attributes:
        num_windows: Number of windows; 1: attention is global.
        global_layers: Numbers of the layers that attend globally all the same.
        feature_layers: Numbers of the layers whose outputs are aggregated; `None`: the last
            layer's output is the encoder's.
        length: Frames of a window, behind the convolutions; `None`: all.
    """

    num_windows: int
    global_layers: tuple[int, ...]
    feature_layers: tuple[int, ...] | None
    length: int | None

    @classmethod
    def of(
        cls,
        *,
        num_windows: Any,
        global_layers: Any,
        feature_layers: Any,
        num_layers: int,
        frames: int | None,
        subsampling_factor: int,
    ) -> "LocalAttention":
        """Checks the arguments; of every `subsampling_factor` frames the convolutions leave one.

        Raises:
            ValueError: If one is not as the backbones describe it.
        """
        features = None
        if feature_layers is not None:
            features = _layers("feature_layers", feature_layers, num_layers)
            if num_layers - 1 not in features:
                raise ValueError(
                    f"`feature_layers` must hold the last layer, {num_layers - 1}: it would be "
                    "computed for nothing. "
                    f"Received: feature_layers={feature_layers!r}"
                )
        return cls(
            positive_int("num_windows", num_windows),
            _layers("global_layers", global_layers, num_layers),
            features,
            _length(num_windows, frames, subsampling_factor),
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """The backbone's arguments, for its config."""
        return {
            "num_windows": self.num_windows,
            "global_layers": self.global_layers,
            "feature_layers": self.feature_layers,
        }

    def block_length(self, layer: int) -> int | None:
        """Frames of the blocks within which a layer attends; `None`: globally."""
        return None if layer in self.global_layers else self.length

    def aggregated(self, outputs: list, units: int, policy: keras.DTypePolicy) -> Any:
        """What the encoder gives, from the outputs of all its layers."""
        if self.feature_layers is None:
            return outputs[-1]
        chosen = [outputs[layer] for layer in self.feature_layers]
        return FeatureAggregation(units, dtype=policy, name="feature_aggregation")(chosen)


def _layers(name: str, values: Any, num_layers: int) -> tuple[int, ...]:
    given = values if isinstance(values, tuple | list) else None
    if (
        given is None
        or any(isinstance(value, bool) or not isinstance(value, int) for value in given)
        or not all(0 <= value < num_layers for value in given)
        or len(set(given)) != len(given)
        or (name == "feature_layers" and not given)
    ):
        raise ValueError(
            f"`{name}` must be a tuple of different numbers of layers, from 0 to "
            f"{num_layers - 1}. Received: {name}={values!r}"
        )
    return tuple(sorted(given))


def _length(num_windows: int, frames: int | None, subsampling_factor: int) -> int | None:
    if num_windows == 1:
        return None
    if frames is None:
        # If windows grew with the batch, zeros after a clip would move them.
        raise ValueError(
            "`num_windows` needs `frames`: the length of a window is that of the input by the "
            f"number of windows. Received: num_windows={num_windows}, frames=None"
        )
    tokens = num_blocks(frames, subsampling_factor)
    if num_windows > tokens:
        raise ValueError(
            f"`num_windows` must be at most the {tokens} frames that the convolutions leave of "
            f"{frames}. Received: num_windows={num_windows}"
        )
    return num_blocks(tokens, num_windows)
