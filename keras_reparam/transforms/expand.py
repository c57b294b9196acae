"""`expand`: a model whose feed-forward networks train with HRF."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_reparam.layers.hrf_einsum_dense import holds_inner_bias
from keras_reparam.layers.hrf_options import validate_options
from keras_reparam.transforms.comparison import (
    arguments_of,
    difference_of_models,
    outputs_of,
)
from keras_reparam.transforms.expanded import protect
from keras_reparam.transforms.feed_forward import first_linear_layers
from keras_reparam.transforms.linear_layers import LinearLayer, hrf_class, linear_layers, walk
from keras_reparam.transforms.progress import with_progress
from keras_reparam.transforms.rebuild import (
    check_model,
    copy_compile_state,
    copy_weights,
    rebuild,
)
from keras_reparam.transforms.settings import copy_settings

Filters = str | Sequence[str] | Callable[[keras.layers.Layer], bool]


def expand(
    model: keras.Model,
    *,
    expansion: int = 4,
    factors: int = 2,
    expansion_base: str | None = None,
    hrf_bias: bool = True,
    filters: Filters | None = None,
    data: Any = None,
) -> keras.Model:
    """A copy of `model` with the same function, in which chosen kernels are products of factors.

    Call it before training; call `keras_reparam.merge` after training, before export and
    quantization. The copy is compiled like `model`, with a fresh optimizer of the same settings:
    the old one's state, and its list of variables without weight decay, belong to kernels that no
    longer exist. Checkpoints of `model` load into the copy with the
    stock `load_weights`; the other way goes through `merge`. `model` itself is left as it is.

    Every expanded kernel `K` becomes `K1 K2 (K3)` with one of the factors orthonormal, so that
    the outputs stay those of `model` (relative to their scale: 1e-5 in float32, 2e-3 in mixed
    float16, 2e-2 in mixed bfloat16), which is checked. Names, `trainable` flags, states and
    settings are kept, also those that were changed on the layers themselves. Classes and functions
    need not be registered with Keras; loading a saved model does need that.

    By default the first linear layer of every feed-forward network is expanded: a Dense,
    EinsumDense or pointwise Conv1D layer `d -> f` whose output reaches, through activation,
    dropout and gating alone, a linear layer `f -> d`. Attention projections and classifiers stay.

    An expanded model saves and loads with its factors, also as a layer of a Functional model.
    Expand the outermost model: an object whose own code creates its parts anew when it is loaded
    does not know that one of them was replaced by an expanded one.

    Args:
        model: A built `keras.Model`: Sequential, Functional, subclassed, or a KerasHub backbone.
        expansion: Inner rank in multiples of the base; the paper uses 2, 4 and 8.
        factors: 2 or 3.
        expansion_base: `"units"` (output size) or `"input"` (input size: the sane choice where
            `f = 4 d`). `None`: what the innermost model or layer around the kernel that has an
            attribute `expansion_base` says there, as `keras_reparam.models.Conformer` does
            (`"input"`); `"units"` where there is none.
        hrf_bias: Whether inner factors get a bias, where the layer has a bias to merge it into.
        filters: What to expand instead of the default: a regular expression or several,
            searched for in the layers' paths (see `keras_reparam.summary`), or a callable that
            takes a layer and returns a bool.
        data: Real input, on which the outputs are compared with those of `model`; a tuple of
            arguments for a subclassed model whose `call` takes several. `None`: random input,
            and no comparison of models that take no such input (strings, several arguments).

    Returns:
        The expanded model.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not built or cannot be rebuilt from its config as the same function,
            for an option out of its range, or if no linear layer, or one that cannot be expanded,
            is chosen.

    Example:

    >>> inputs = keras.Input((8,))
    >>> x = keras.layers.Dense(32, activation="relu", name="fc1")(inputs)
    >>> light = keras.Model(inputs, keras.layers.Dense(8, name="fc2")(x))
    >>> train = expand(light, expansion=4)
    >>> light.count_params(), train.count_params()
    (552, 5544)

    Reference:

    - Zhang et al., IEEE Internet of Things Journal 2024, arXiv 2411.09339 (HRF).
    """
    own_bases = expansion_base is None
    options = {"expansion": expansion, "factors": factors, "hrf_bias": hrf_bias}
    validate_options(**options, expansion_base="units" if own_bases else expansion_base)
    check_model(model)
    chosen = choose(model, filters)
    bases = _own_bases(model)
    options_of = {}
    for site in chosen:
        _check_finite(site)
        base = bases[id(site.layer)] if own_bases else expansion_base
        options_of[site.index] = validate_options(**options, expansion_base=base)
    arguments = _arguments(model, data)
    expanded = rebuild(model)
    copy_weights(model, expanded)
    copy_settings(model, expanded)
    layers = [layer for _, layer in walk(expanded)]
    for site in with_progress(chosen, "Expanding"):
        _adopt(layers[site.index], options_of[site.index])
    protect(expanded)
    if arguments is not None:
        _compare(model, expanded, arguments)
    copy_compile_state(model, expanded)
    return expanded


def _arguments(model: keras.Model, data: Any) -> list[Any] | None:
    """What to compare the outputs on; `None` if random input is no input of this model."""
    if data is not None:
        return arguments_of(model, data)
    try:
        arguments = arguments_of(model, None)
        finite = [np.isfinite(x).any() for x in outputs_of(model, arguments) if x.dtype.kind == "f"]
    except ValueError:
        return None
    return arguments if all(finite) else None


def _compare(model: keras.Model, expanded: keras.Model, arguments: list[Any]) -> None:
    difference, allowed = difference_of_models(model, expanded, arguments)
    if difference > allowed:
        raise ValueError(
            f"Expanded, model '{model.name}' is another function: its outputs differ by "
            f"{difference:.3g} (allowed: {allowed:.3g}). See that {type(model).__name__} and its "
            "layers write everything that they compute with into their configs or weights."
        )


def _own_bases(model: keras.Model) -> dict[int, str]:
    """`expansion_base` of the innermost object around each layer that has one, by the layer's id.

    A layer that is in several places is where `walk` finds it first.
    """
    bases: dict[int, str] = {}

    def visit(parent: keras.layers.Layer, base: str) -> None:
        own = getattr(parent, "expansion_base", None)
        base = base if own is None else own
        for child in parent._flatten_layers(include_self=False, recursive=False):
            if id(child) not in bases:
                bases[id(child)] = base
                visit(child, base)

    visit(model, "units")
    return bases


def _check_finite(site: LinearLayer) -> None:
    for variable in site.layer.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable.value).astype("float32")).all():
            raise ValueError(
                f"Layer '{site.path}' cannot be expanded: {variable.name} holds values that are "
                "NaN or infinite. Training has diverged: go back to an earlier checkpoint."
            )


def _adopt(layer: keras.layers.Layer, options: dict[str, Any]) -> None:
    hrf_bias = options["hrf_bias"] and layer.bias is not None
    if hrf_bias and isinstance(layer, keras.layers.EinsumDense):
        hrf_bias = holds_inner_bias(layer.equation, layer.bias_axes)
    hrf_class(layer).adopt(layer, **{**options, "hrf_bias": hrf_bias})


def choose(model: keras.Model, filters: Filters | None) -> list[LinearLayer]:
    """The linear layers that `expand` would expand."""
    linear = [site for site in linear_layers(model) if not site.expanded]
    if filters is None:
        first, _ = first_linear_layers(model)
        found = [site for site in linear if id(site.layer) in first]
        chosen = [site for site in found if not site.obstacle]
        if chosen:
            return chosen
        why = "".join(f" '{site.path}' cannot be expanded: {site.obstacle}." for site in found)
        raise ValueError(
            f"Model '{model.name}' has no feed-forward network (a linear layer d -> f that "
            "reaches a linear layer f -> d through activation and dropout alone) to expand."
            f"{why} Name layers with `filters=`. {_candidates(linear)}"
        )
    matches = _matcher(filters)
    chosen = [site for site in linear if matches(site.path, site.layer)]
    if not chosen:
        others = [path for path, layer in walk(model) if matches(path, layer)]
        what = f"only layers that are not linear: {others[:5]}" if others else "no layer"
        raise ValueError(f"`filters={filters!r}` matches {what}. {_candidates(linear)}")
    for site in chosen:
        if site.obstacle:
            raise ValueError(
                f"Layer '{site.path}' cannot be expanded: {site.obstacle}. Leave it out of "
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


def _candidates(linear: list[LinearLayer]) -> str:
    paths = [site.path for site in linear if not site.obstacle]
    if not paths:
        return "The model has no linear layer that can be expanded."
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")
    return f"Linear layers that can be expanded: {shown}."
