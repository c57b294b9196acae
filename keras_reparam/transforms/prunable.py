"""The groups of a model that pruning may remove: units of feed-forward networks, and heads."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_reparam.layers import Pruned
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import (
    LOCK,
    LinearLayer,
    linear_layers,
    surroundings,
    walk,
)
from keras_reparam.transforms.live_objects import LiveObjects
from keras_reparam.transforms.settings import same
from keras_reparam.transforms.unit_flow import Way, ways_of

# Attributes of layers and models that hold widths of their parts.
_WIDTHS = ("feed_forward_units", "num_heads", "key_dim")


@dataclasses.dataclass(frozen=True)
class Slice:
    """What goes with a group in one weight: of each run of `block * groups` entries a block."""

    layer: keras.layers.Layer
    weight: str
    axis: int
    block: int

    def of(self, groups: int) -> np.ndarray:
        """The group of every entry along the axis."""
        size = getattr(self.layer, self.weight).shape[self.axis]
        return np.arange(size) // self.block % groups


@dataclasses.dataclass(frozen=True)
class Groups:
    """One site: groups that lead into one Dense layer and nowhere else.

    Attributes:
        part: What its latency depends on beside the number of groups: a name in latency tables.
        fan_out: The Dense layer that they lead into; a group is `block` rows of its kernel.
        owner: The attention layer whose heads they are, or `None`.
        slices: What goes with a group; the first is a kernel's columns, the last the rows.
        count: Number of groups.
        around: The layers and models around `fan_out`, the innermost first.
    """

    part: str
    fan_out: keras.layers.Layer
    owner: keras.layers.Layer | None
    slices: tuple[Slice, ...]
    count: int
    around: tuple[keras.layers.Layer, ...]

    @property
    def block(self) -> int:
        return self.slices[-1].block

    @property
    def fan_in(self) -> keras.layers.Layer:
        """The Dense layer whose columns the groups are."""
        return self.slices[0].layer

    def set_count(self, count: int) -> None:
        """Makes the configs those of so many groups; weights are left as they are."""
        for part in self.slices[:-1]:
            if part.weight == "kernel":
                part.layer.units = part.layer.units // self._count_now() * count
        if self.owner is not None:
            self.owner.num_heads = count
        for layer in self.around:
            if hasattr(layer, "take_over_widths"):
                layer.take_over_widths()

    def _count_now(self) -> int:
        return self.fan_in.units if self.owner is None else self.owner.num_heads


def prunable(model: keras.Model) -> tuple[list[Groups], list[LinearLayer]]:
    """The groups of a built model that may be removed, and why others may not.

    A feed-forward network's units may if a trace proves that they lead, value by value, into one
    Dense layer alone, and if the model's config says how many there are; heads if their attention
    layer says what goes with them (`weights_of_heads`), and likewise.

    Args:
        model: A built model, plain or in training form; it is left as it is.

    Returns:
        The groups, in the model's order, and all Dense layers with what keeps their inputs from
        being removed, or `""`.
    """
    probe = _Probe(model)
    groups, rows = [], []
    for site, found in traced_groups(model):
        obstacle = site.obstacle
        if found is not None and not probe.decides(found):
            makers = " in ".join(original_class(layer).__name__ for layer in found.around)
            obstacle = (
                f"how many units '{found.fan_in.name}' has is no argument of what makes it "
                f"({makers})"
            )
        elif found is not None:
            groups.append(found)
        rows.append(dataclasses.replace(site, obstacle=obstacle))
    return groups, rows


def traced_groups(model: keras.Model) -> list[tuple[LinearLayer, Groups | None]]:
    """Each Dense layer with the groups that lead into it alone; `None` if it has an obstacle."""
    ways, around = ways_of(model), surroundings(model)
    owners = {
        id(layer.weights_of_heads()[-1][0]): layer
        for _, layer in walk(model)
        if hasattr(layer, "weights_of_heads")
    }
    sites = [
        site
        for site in linear_layers(model, Pruned())
        if isinstance(site.layer, keras.layers.Dense)
    ]
    obstacles = {id(site.layer): site.obstacle for site in sites}
    result, fan_outs = [], set()
    for site in sites:
        layer, found, obstacle = site.layer, None, site.obstacle
        if not obstacle and id(layer) not in ways:
            obstacle = "a trace of the model does not reach it"
        elif not obstacle:
            way, owner = ways[id(layer)], owners.get(id(layer))
            found, obstacle = _groups(layer, owner, way, around[id(layer)])
        if found is not None and obstacles.get(id(found.fan_in)):
            obstacle = f"of '{found.fan_in.name}' before it: {obstacles[id(found.fan_in)]}"
            found = None
        if found is not None and id(found.fan_in) in fan_outs:
            # What such a chain costs is no sum over its layers.
            obstacle = f"'{found.fan_in.name}' before it loses inputs already"
            found = None
        if found is not None:
            fan_outs.add(id(layer))
        result.append((dataclasses.replace(site, obstacle=obstacle), found))
    return result


def _groups(
    fan_out: Any, owner: Any, way: Way, around: list[keras.layers.Layer]
) -> tuple[Groups | None, str]:
    """The groups that lead into a layer, or why there are none."""
    if owner is not None:
        if way.calls > 1:
            return None, "its attention layer is called more than once"
        slices = [
            Slice(*entry)
            for entry in owner.weights_of_heads()
            if getattr(entry[0], entry[1]) is not None
        ]
        kind, count = original_class(owner).__name__, owner.num_heads
        options = {name: getattr(owner, name, None) for name in ("block_length", "window")}
        more = "".join(f", {name} {value}" for name, value in options.items() if value is not None)
        part = f"{kind} {owner.units}, n heads of {owner.key_dim}{more} at {way.positions}"
    elif way.source is not None:
        source = way.source
        slices = [
            Slice(source, name, axis, 1)
            for name, axis in (("kernel", -1), ("bias", 0))
            if getattr(source, name) is not None
        ]
        slices.append(Slice(fan_out, "kernel", 0, 1))
        count, columns = source.units, source.kernel.shape[0]
        part = f"feed_forward {columns} -> n -> {fan_out.units} at {way.positions}"
    else:
        return None, way.obstacle
    return Groups(part, fan_out, owner, tuple(slices), count, tuple(around)), ""


class _Probe:
    """Tells whether a model's config says how many groups a site has."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.live = LiveObjects([model])
        self.config = self._serialized()

    def _serialized(self) -> Any:
        try:
            return self.live.serialize(self.model)
        except Exception:
            # Such a model is no model that could be rebuilt at all.
            return None

    def decides(self, groups: Groups) -> bool:
        before = [
            (layer, {name: getattr(layer, name) for name in _WIDTHS if hasattr(layer, name)})
            for layer in groups.around
        ]
        with LOCK:
            groups.set_count(groups.count + 1)
            try:
                return not same(self.config, self._serialized())
            finally:
                groups.set_count(groups.count)
                for layer, values in before:
                    for name, value in values.items():
                        setattr(layer, name, value)
