"""`summary`: what is expanded, what it costs while training, and why the rest is not."""

import dataclasses
import io
import math
from typing import Any

import keras
from rich.console import Console
from rich.table import Table

from keras_reparam.layers import HRF, ReparamConfig, ReparamLayer
from keras_reparam.transforms.linear_layers import (
    LinearLayer,
    is_pointwise,
    kernel_shape,
    linear_layers,
)
from keras_reparam.transforms.model_sites import ModelSites
from keras_reparam.transforms.rebuild import check_model


@dataclasses.dataclass(frozen=True)
class SummaryRow:
    """One linear layer.

    Attributes:
        path: Layer names from the model down, joined by `/`; what `filters` searches in.
        kind: Class of the layer, plain or in training form.
        kernel_shape: Shape of the kernel, merged.
        form: What the training form says of itself, e.g. `{"rank": 512, "ternary": "2 bits"}`;
            empty for a plain layer.
        training_parameters: Number of parameters now.
        merged_parameters: Number of parameters after `merge`.
        reason: Why it is not expanded; empty if it is.
    """

    path: str
    kind: str
    kernel_shape: tuple[int, ...]
    form: dict[str, Any]
    training_parameters: int
    merged_parameters: int
    reason: str

    @property
    def rank(self) -> int | None:
        """Inner rank R of a product of factors, or `None`."""
        return self.form.get("rank")


@dataclasses.dataclass(frozen=True)
class ModelSummary:
    """The rows and totals of a model; prints as a table.

    Attributes:
        name: Name of the model.
        rows: One `SummaryRow` per linear layer.
        training_parameters: Parameters of the whole model now.
        merged_parameters: Parameters of the whole model after `merge`.
    """

    name: str
    rows: tuple[SummaryRow, ...]
    training_parameters: int
    merged_parameters: int

    def __rich__(self) -> Table:
        table = Table(
            title=f"Re-parameterization of '{self.name}'", show_footer=True, title_justify="left"
        )
        totals = (f"{self.training_parameters:,}", f"{self.merged_parameters:,}")
        table.add_column("layer", "whole model", overflow="fold")
        table.add_column("kind")
        table.add_column("kernel")
        table.add_column("form", justify="right")
        table.add_column("in training", totals[0], justify="right")
        table.add_column("merged", totals[1], justify="right")
        table.add_column("not expanded because", overflow="fold")
        for row in self.rows:
            table.add_row(
                row.path,
                row.kind,
                " x ".join(map(str, row.kernel_shape)),
                ", ".join(f"{name} {value}" for name, value in row.form.items()),
                f"{row.training_parameters:,}",
                f"{row.merged_parameters:,}",
                row.reason,
                style=None if row.reason else "bold",
            )
        return table

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=120).print(self)
        return text.getvalue()

    __repr__ = __str__


def summary(model: keras.Model, method: ReparamConfig | None = None) -> ModelSummary:
    """The layers that a method can train, with their parameters in training and merged.

    Args:
        model: A built `keras.Model`, expanded or not.
        method: The method; `None` is `HRF()`. Layers in the training form of another are listed,
            too.

    Returns:
        A `ModelSummary`: `print` it for a table, or read its `rows`.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not built.

    Example:

    >>> from keras_reparam import expand, summary
    >>> inputs = keras.Input((8,))
    >>> x = keras.layers.Dense(32, activation="relu", name="fc1")(inputs)
    >>> light = keras.Model(inputs, keras.layers.Dense(8, name="fc2")(x))
    >>> [(row.path, row.rank, row.reason) for row in summary(expand(light)).rows]
    [('fc1', 128, ''), ('fc2', None, 'not the first layer of an FFN')]
    """
    check_model(model)
    method = HRF() if method is None else method
    sites = ModelSites(model)
    chosen, traced = {id(layer) for layer in method.targets(sites)}, sites.traced[1]
    rows = tuple(_row(site, chosen, traced) for site in linear_layers(model, method))
    now = model.count_params()
    saved = sum(row.training_parameters - row.merged_parameters for row in rows)
    return ModelSummary(model.name, rows, now, now - saved)


def _row(site: LinearLayer, chosen: set[int], traced: set[int]) -> SummaryRow:
    layer = site.layer
    shape = kernel_shape(layer)
    count = layer.count_params() if layer.built else 0
    if not isinstance(layer, ReparamLayer):
        reason = _reason(site, chosen, traced)
        return SummaryRow(site.path, type(layer).__name__, shape, {}, count, count, reason)
    bias = layer.bias
    merged = math.prod(shape) + (0 if bias is None else math.prod(bias.shape))
    kind = type(layer).__qualname__
    return SummaryRow(site.path, kind, shape, layer.describe(), count, merged, "")


def _reason(site: LinearLayer, chosen: set[int], traced: set[int]) -> str:
    if site.obstacle:
        return site.obstacle
    if id(site.layer) in chosen:
        return "plain (the default of `expand` would take it)"
    if isinstance(site.layer, keras.layers.Conv1D) and not is_pointwise(site.layer):
        return "a convolution over time; choose it with `filters`"
    if id(site.layer) not in traced:
        return "its surroundings cannot be traced; choose it with `filters`"
    return "not the first layer of an FFN"
