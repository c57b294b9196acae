"""`choose`: the layers of a model that a method is to train."""

import re
from collections.abc import Callable, Sequence

import keras

from keras_reparam.layers import ReparamConfig, ReparamLayer
from keras_reparam.transforms.linear_layers import LinearLayer, linear_layers, walk
from keras_reparam.transforms.model_sites import ModelSites

Filters = str | Sequence[str] | Callable[[keras.layers.Layer], bool]


def choose(model: keras.Model, filters: Filters | None, method: ReparamConfig) -> list[LinearLayer]:
    """The layers that `expand` would expand."""
    linear = [site for site in linear_layers(model, method) if not site.expanded]
    return choose_among(linear, ModelSites(model), filters, method, verb="expand")


def choose_among(
    linear: list[LinearLayer],
    sites: ModelSites,
    filters: Filters | None,
    method: ReparamConfig,
    *,
    verb: str,
) -> list[LinearLayer]:
    """Those of the given layers that the filters name, or the method where there are none.

    Args:
        linear: The layers to choose from.
        sites: The model's.
        filters: See `expand`.
        method: Gives the layers to take where there are no filters; those with an obstacle are
            then left out, while it is an error to name one.
        verb: What is done with them, for messages: `"expand"`, `"quantize"`.

    Raises:
        TypeError: If `filters` is none of what `expand` takes.
        ValueError: If no layer is chosen, or one that has an obstacle.
    """
    candidates = _candidates(linear, verb) + _in_training_form(sites.model)
    cannot = f"cannot be {verb.removesuffix('e')}ed"
    if filters is None:
        targets = {id(layer) for layer in method.targets(sites)}
        found = [site for site in linear if id(site.layer) in targets]
        chosen = [site for site in found if not site.obstacle]
        if chosen:
            return chosen
        why = "".join(f" '{site.path}' {cannot}: {site.obstacle}." for site in found)
        raise ValueError(
            f"Model '{sites.model.name}' has no {method.default_target} to {verb}.{why} "
            f"Name layers with `filters=`. {candidates}"
        )
    matches = _matcher(filters)
    chosen = [site for site in linear if matches(site.path, site.layer)]
    if not chosen:
        others = [path for path, layer in walk(sites.model) if matches(path, layer)]
        what = f"only layers that are not linear: {others[:5]}" if others else "no layer"
        raise ValueError(f"`filters={filters!r}` matches {what}. {candidates}")
    for site in chosen:
        if site.obstacle:
            raise ValueError(
                f"Layer '{site.path}' {cannot}: {site.obstacle}. Leave it out of "
                f"`filters`. Received: filters={filters!r}"
            )
    return chosen


def _matcher(filters: Filters) -> Callable[[str, keras.layers.Layer], bool]:
    if callable(filters) and not isinstance(filters, keras.layers.Layer):
        return lambda path, layer: bool(filters(layer))
    patterns = [filters] if isinstance(filters, str | re.Pattern) else filters
    known = (str, re.Pattern)
    if not isinstance(patterns, Sequence) or not all(isinstance(x, known) for x in patterns):
        raise TypeError(
            "`filters` must be a regular expression, a list of them, or a callable that takes a "
            f"layer. Received: filters={filters!r}"
        )
    try:
        compiled = [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise ValueError(
            f"`filters` holds an invalid regular expression ({error}). "
            f"Received: filters={filters!r}"
        ) from error
    return lambda path, layer: any(pattern.search(path) for pattern in compiled)


def _candidates(linear: list[LinearLayer], verb: str) -> str:
    paths = [site.path for site in linear if not site.obstacle]
    can = f"can be {verb.removesuffix('e')}ed"
    if not paths:
        return f"The model has no linear layer that {can}."
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")
    return f"Linear layers that {can}: {shown}."


def _in_training_form(model: keras.Model) -> str:
    paths = [path for path, layer in walk(model) if isinstance(layer, ReparamLayer)]
    if not paths:
        return ""
    shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    return f" In training form already: {shown}; `expand` comes before `quantize_aware`."
