"""`expand`: a model whose layers train in another form."""

from typing import Any

import keras

from keras_reparam.layers import HRF, ReparamConfig
from keras_reparam.transforms.choice import Filters, choose
from keras_reparam.transforms.comparison import difference_of_models
from keras_reparam.transforms.conversion import check_finite, comparable_arguments, converted_copy
from keras_reparam.transforms.linear_layers import LinearLayer, surroundings
from keras_reparam.transforms.rebuild import check_model, copy_compile_state


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
            function, for an option out of its range or beside `method`, for a method with a
            quantizer, or if no layer, or one that cannot be expanded, is chosen.

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
    around = surroundings(model)
    methods = {}
    for site in chosen:
        check_finite(site, verb="expand")
        methods[site.index] = method.at(site.layer, around[id(site.layer)])
    arguments = comparable_arguments(model, data)

    def convert(site: LinearLayer, layer: keras.layers.Layer) -> None:
        own = methods[site.index]
        own.training_classes[type(layer)].adopt(layer, own)

    expanded = converted_copy(model, chosen, convert, description="Expanding")
    if arguments is not None:
        _compare(model, expanded, arguments)
    copy_compile_state(model, expanded)
    return expanded


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
    if not method.keeps_function:
        raise ValueError(
            "`expand` keeps the model's function, which a quantizer does not: call "
            "`keras_reparam.quantize_aware(model, kernel_quantizer=...)`, on an expanded model "
            f"too. Received: method={method!r}"
        )
    if options:
        raise ValueError(
            f"Options go into the method: {type(method).__name__}({', '.join(options)}=...). "
            f"Received: method={method!r} and {options}"
        )
    return method
