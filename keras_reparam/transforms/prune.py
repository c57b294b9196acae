"""`prune`: a model that loses units and heads while it is trained, down to a latency."""

import dataclasses
import os
from typing import Any

import keras

from keras_reparam._utils.validation import positive_number
from keras_reparam.layers import Pruned, ReparamLayer
from keras_reparam.pruning import LatencyTable, Pruning
from keras_reparam.transforms.choice import Filters, choose_among
from keras_reparam.transforms.conversion import check_finite, converted_copy
from keras_reparam.transforms.linear_layers import LinearLayer
from keras_reparam.transforms.model_sites import ModelSites
from keras_reparam.transforms.prunable import Groups, prunable
from keras_reparam.transforms.rebuild import check_model, copy_compile_state


def prune(
    model: keras.Model,
    *,
    latency: float,
    table: LatencyTable | str | os.PathLike,
    filters: Filters | None = None,
    verbose: bool = True,
) -> keras.Model:
    """A copy of `model` that loses units and heads while it is trained, until its file is fast.

    A group is a unit of a feed-forward network (its column in the first layer, its bias, its row
    in the second) or a head of an attention layer of `keras_reparam.models`. The copy has the
    function of `model` so far; `keras_reparam.PruningRounds` in `fit(callbacks=[...])` chooses
    the groups that stay and trains the others towards zero. `keras_reparam.merge` then removes
    those, exactly: its result is made of plain Keras layers, or is the backbone itself with
    narrower layers in its config.

    Units may go where the model proves that they lead into one Dense layer alone and its config
    says how many there are: in Sequential and Functional models, and in `ConvTransformer` and
    `Conformer`. Pruning composes with `expand` and `quantize_aware`; expand first.

    Args:
        model: A built `keras.Model`, plain, expanded or quantized; it is left as it is.
        latency: Milliseconds that the file of the merged model may take, by the table.
        table: A latency table of this model, or the path of one: see
            `python -m keras_reparam.benchmarks.latency_table`.
        filters: What loses groups instead of all that can: see `keras_reparam.expand`; it names
            the layers that the groups lead into, such as `"fc2"` or `"output_projection"`.
        verbose: Whether to print what may go, and how much of the latency.

    Returns:
        The copy, compiled like `model`, with a fresh optimizer.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model is not built or cannot be rebuilt from its config, the table is
            that of another model, the latency cannot be met, or is already, or no layer, or one
            that cannot lose inputs, is chosen.

    Example:

    >>> from keras_reparam import LatencyTable, PruningRounds, merge, prune
    >>> inputs = keras.Input((8,))
    >>> x = keras.layers.Dense(32, activation="relu", name="fc1")(inputs)
    >>> model = keras.Model(inputs, keras.layers.Dense(4, name="fc2")(x), name="mlp")
    >>> part = "feed_forward 8 -> n -> 4 at 1"
    >>> table = LatencyTable(
    ...     milliseconds=0.5, parts=[(part, 32)], steps={part: [(8, 0.1), (32, 0.4)]}, measured={}
    ... )
    >>> train = prune(model, latency=0.3, table=table)
    'mlp' from 0.5 to at most 0.3 ms by the table: 1 layer loses inputs (fc2)
    >>> train.compile("sgd", "mse")
    >>> x, y = np.ones((4, 8)), np.ones((4, 4))
    >>> history = train.fit(x, y, epochs=3, verbose=0, callbacks=[PruningRounds(2)])
    >>> merge(train).get_layer("fc1").units
    16

    Reference:

    - ALCS, arXiv 2109.00170, in a reconstruction: see `docs/howto/pruning.md` of the repository.
    """
    check_model(model)
    latency = positive_number("latency", latency)
    table = table if isinstance(table, LatencyTable) else LatencyTable.load(table)
    groups, rows = prunable(model)
    rows = [_with_obstacle(row) for row in rows]
    chosen = choose_among(rows, ModelSites(model), filters, Pruned(), verb="prune")
    table.check_parts([(each.part, each.count) for each in groups])
    for site in chosen:
        check_finite(site, verb="prune")
    taken = {id(site.layer) for site in chosen}
    budget = _budget(latency, table, groups, taken)
    by_layer = {id(each.fan_out): each for each in groups}

    def convert(site: LinearLayer, layer: keras.layers.Layer) -> None:
        if not isinstance(layer, ReparamLayer):
            Pruned.training_classes[type(layer)].adopt(layer, Pruned())
        found = by_layer[id(site.layer)]
        steps = table.steps[found.part]
        layer.prune_kernel(
            Pruning(groups=found.count, block=found.block, steps=steps, budget=budget)
        )

    pruned = converted_copy(model, chosen, convert, description="Pruning")
    if verbose:
        print(_report(model, table, groups, latency, chosen))
    copy_compile_state(model, pruned)
    return pruned


def _with_obstacle(row: LinearLayer) -> LinearLayer:
    if row.obstacle or not isinstance(row.layer, ReparamLayer):
        return row
    return dataclasses.replace(row, obstacle=row.layer.pruning_obstacle())


def _budget(latency: float, table: LatencyTable, groups: list[Groups], taken: set[int]) -> float:
    """Milliseconds that the chosen groups may cost, or an error if that cannot be or is met."""
    now = table.predicted([(each.part, each.count) for each in groups])
    if now <= latency:
        raise ValueError(
            f"`latency` must be below what the table predicts for the model as it is, {now:.4g} "
            f"ms. Received: latency={latency:g}"
        )
    costs = [table.costs(each.part, each.count) for each in groups if id(each.fan_out) in taken]
    budget = latency - now + float(sum(cost[-1] for cost in costs))
    least = float(sum(cost.min() for cost in costs))
    if budget < least:
        raise ValueError(
            "`latency` cannot be met: with one group left in each of the chosen layers, the table "
            f"still predicts {latency + least - budget:.4g} ms. Received: latency={latency:g}. "
            "Take a smaller model: the rest of it is not pruned."
        )
    return budget


def _report(
    model: keras.Model,
    table: LatencyTable,
    groups: list[Groups],
    latency: float,
    chosen: list[Any],
) -> str:
    """One line: what can be removed, and how much of the latency."""
    paths = ", ".join(site.path for site in chosen[:3])
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    lose = "layer loses" if len(chosen) == 1 else "layers lose"
    now = table.predicted([(each.part, each.count) for each in groups])
    return (
        f"'{model.name}' from {now:.4g} to at most {latency:.4g} ms by the table: "
        f"{len(chosen)} {lose} inputs ({paths}{more})"
    )
