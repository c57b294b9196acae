"""`Pruning`: what a layer in training form knows of the groups of inputs that may go."""

import dataclasses
from typing import Any, Self

import keras
import numpy as np

from keras_reparam.pruning.staircase import costs_of_widths


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Pruning:
    """The groups of rows of a linear layer's kernel, and what they may cost.

    `keras_reparam.prune` gives it to layers; a model that was saved while it was pruned has all
    that it needs to go on.

    Args:
        groups: Number of groups.
        block: Rows of a group, one after another: 1 for the units of a feed-forward network, the
            width of a head for heads.
        steps: Pairs of a number of groups and its latency in milliseconds, as measured.
        budget: Milliseconds that the groups of all pruned layers of the model may cost together.
    """

    groups: int
    block: int
    steps: tuple[tuple[int, float], ...]
    budget: float

    def __post_init__(self) -> None:
        # A file holds lists.
        steps = tuple((int(width), float(latency)) for width, latency in self.steps)
        object.__setattr__(self, "steps", steps)

    @property
    def costs(self) -> np.ndarray:
        """Milliseconds of 1, 2, ... groups."""
        return costs_of_widths(self.steps, self.groups)

    @classmethod
    def of(cls, value: Any) -> "Pruning | None":
        """A pruning from itself or its serialized config; `None` stays."""
        return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value

    def get_config(self) -> dict[str, Any]:
        """The options by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The pruning with these options."""
        return cls(**config)
