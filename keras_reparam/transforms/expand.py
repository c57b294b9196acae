"""`expand`: a model whose layers train in another form."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_reparam.layers import HRF, ReparamConfig
from keras_reparam.transforms.comparison import (
    arguments_of,
    difference_of_models,
    outputs_of,
)
from keras_reparam.transforms.expanded import protect
from keras_reparam.transforms.linear_layers import LinearLayer, linear_layers, walk
from keras_reparam.transforms.model_sites import ModelSites
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
    method: ReparamConfig | None = None,
    *,
    filters: Filters | None = None,
    data: Any = None,
    **options: Any,
) -> keras.Model:
    """A copy of `model` with the same function, in which chosen layers train in another form.

    Call it before training; call `keras_reparam.merge` after training, before export and
    quantization. The copy is compiled like `model`, with a fresh optimizer of the same settings:
    the old one's state, and its list of variables without weight decay, belong to kernels that no
    longer exist. Checkpoints of `model` load into the copy with the
    stock `load_weights`; the other way goes through `merge`. `model` itself is left as it is.

    `expand(model, expansion=4)` is short for `expand(model, HRF(expansion=4))`: every expanded
    kernel `K` becomes `K1 K2 (K3)` with one of the factors orthonormal, so that
    the outputs stay those of `model` (relative to their scale: 1e-5 in float32, 2e-3 in mixed
    float16, 2e-2 in mixed bfloat16), which is checked. Names, `trainable` flags, states and
    settings are kept, also those that were changed on the layers themselves. Classes and functions
    need not be registered with Keras; loading a saved model does need that.

    By default the method chooses the layers. HRF takes the first linear layer of every
    feed-forward network: a Dense,
    EinsumDense or pointwise Conv1D layer `d -> f` whose output reaches, through activation,
    dropout and gating alone, a linear layer `f -> d`. Attention projections and classifiers stay.

    An expanded model saves and loads with its training forms, also as a layer of a Functional
    model. Expand the outermost model: an object whose own code creates its parts anew when it is
    loaded does not know that one of them was replaced by an expanded one.

    Args:
        model: A built `keras.Model`: Sequential, Functional, subclassed, or a KerasHub backbone.
        method: How chosen layers train: `keras_reparam.HRF(...)`, `keras_reparam.Branches()`, or
            one of your own. `None`: `HRF(**options)`.
        filters: What to expand instead of the method's choice: a regular expression or several,
            searched for in the layers' paths (see `keras_reparam.summary`), or a callable that
            takes a layer and returns a bool.
        data: Real input, on which the outputs are compared with those of `model`; a tuple of
            arguments for a subclassed model whose `call` takes several. `None`: random input,
            and no comparison of models that take no such input (strings, several arguments).
        **options: Of `HRF`, in place of `method`: `expansion`, `factors`, `expansion_base`,
            `hrf_bias`.

    Returns:
        The expanded model.

    Raises:
        TypeError: If `model` is not a Keras model, `method` no method, or HRF has no such option.
        ValueError: If the model is not built or cannot be rebuilt from its config as the same
            function, for an option out of its range or beside `method`, or if no layer, or one
            that cannot be expanded, is chosen.
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
    method = _method(method, options)
    check_model(model)
    chosen = choose(model, filters, method)
    surroundings = _surroundings(model)
    methods = {}
    for site in chosen:
        _check_finite(site)
        methods[site.index] = method.at(site.layer, surroundings[id(site.layer)])
    arguments = _arguments(model, data)
    expanded = rebuild(model)
    copy_weights(model, expanded)
    copy_settings(model, expanded)
    layers = [layer for _, layer in walk(expanded)]
    for site in with_progress(chosen, "Expanding"):
        layer, own = layers[site.index], methods[site.index]
        own.training_classes[type(layer)].adopt(layer, own)
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


def _method(method: ReparamConfig | None, options: dict[str, Any]) -> ReparamConfig:
    if method is None:
        return HRF(**options)
    if not isinstance(method, ReparamConfig):
        raise TypeError(
            "`method` must be a method such as `keras_reparam.HRF(expansion=4)`. "
            f"Received: method={method!r}"
        )
    if options:
        raise ValueError(
            f"Options go into the method: {type(method).__name__}({', '.join(options)}=...). "
            f"Received: method={method!r} and {options}"
        )
    return method


def _surroundings(model: keras.Model) -> dict[int, list[keras.layers.Layer]]:
    """What is around each layer, the innermost first, by the layer's id.

    A layer that is in several places is where `walk` finds it first.
    """
    around: dict[int, list[keras.layers.Layer]] = {}

    def visit(parent: keras.layers.Layer, outer: list[keras.layers.Layer]) -> None:
        for child in parent._flatten_layers(include_self=False, recursive=False):
            if id(child) not in around:
                around[id(child)] = [parent, *outer]
                visit(child, around[id(child)])

    visit(model, [])
    return around


def _check_finite(site: LinearLayer) -> None:
    for variable in site.layer.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable.value).astype("float32")).all():
            raise ValueError(
                f"Layer '{site.path}' cannot be expanded: {variable.name} holds values that are "
                "NaN or infinite. Training has diverged: go back to an earlier checkpoint."
            )


def choose(model: keras.Model, filters: Filters | None, method: ReparamConfig) -> list[LinearLayer]:
    """The layers that `expand` would expand."""
    linear = [site for site in linear_layers(model, method) if not site.expanded]
    if filters is None:
        targets = {id(layer) for layer in method.targets(ModelSites(model))}
        found = [site for site in linear if id(site.layer) in targets]
        chosen = [site for site in found if not site.obstacle]
        if chosen:
            return chosen
        why = "".join(f" '{site.path}' cannot be expanded: {site.obstacle}." for site in found)
        raise ValueError(
            f"Model '{model.name}' has no {method.default_target} to expand.{why} "
            f"Name layers with `filters=`. {_candidates(linear)}"
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
