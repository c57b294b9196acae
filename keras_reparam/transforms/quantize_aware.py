"""`quantize_aware`: a model whose kernels are trained on the grid that a file will have."""

import dataclasses
from typing import Any

import keras

from keras_reparam import quantizers
from keras_reparam.layers import Quantized, ReparamLayer
from keras_reparam.transforms.choice import Filters, choose_among
from keras_reparam.transforms.comparison import difference_of_models
from keras_reparam.transforms.conversion import check_finite, comparable_arguments, converted_copy
from keras_reparam.transforms.linear_layers import LinearLayer, linear_layers
from keras_reparam.transforms.model_sites import ModelSites
from keras_reparam.transforms.rebuild import check_model, copy_compile_state


def quantize_aware(
    model: keras.Model,
    kernel_quantizer: Any,
    *,
    filters: Filters | None = None,
    data: Any = None,
    verbose: bool = True,
) -> keras.Model:
    """A copy of `model` in which chosen kernels take few values, and are trained so.

    Each chosen layer computes with a kernel on the quantizer's grid, made at every step from a
    latent kernel that is trained: a variable, or, in an expanded layer, the product of its
    factors. `keras_reparam.merge` gives plain Keras layers with the kernels on the grid, for a
    ternary quantizer at most three values a channel, bit for bit.

    **It does not keep the function**, unlike `expand`: it prints by how much the outputs differ
    from those of `model`. Train the copy, at a smaller rate than the first time, to make up for
    it. The bias, the inputs and what is not chosen stay float.

    By default all linear layers are chosen (Dense, EinsumDense, pointwise Conv1D) but those before
    which there is no other, the first projection, and those after which there is none, the
    classifier; and those that a symbolic call of the model does not reach. Layers with a
    quantizer keep theirs, so that another call can give the rest another one.

    Args:
        model: A built `keras.Model`, plain or expanded; it is left as it is.
        kernel_quantizer: A quantizer of `keras_reparam.quantizers`, or its name.
        filters: What to quantize instead: see `keras_reparam.expand`. A Conv1D with a longer
            kernel can be named, too.
        data: Real input, on which the outputs are compared; a tuple of arguments for a
            subclassed model whose `call` takes several. `None`: random input, and no comparison
            of models that take no such input.
        verbose: Whether to compare the outputs, and print by how much they differ.

    Returns:
        The copy, compiled like `model`, with a fresh optimizer.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model is not built or cannot be rebuilt from its config, for an unknown
            quantizer, or if no layer is chosen, or one that cannot be quantized: it has a
            quantizer, its kernel is tied, LoRA is enabled.

    Example:

    >>> from keras_reparam import merge, quantize_aware
    >>> layers = [keras.layers.Dense(8, name=name) for name in ("first", "middle", "last")]
    >>> model = keras.Sequential([keras.Input((4,)), *layers], name="mlp")
    >>> train = quantize_aware(model, "ternary", data=np.eye(4))
    'mlp' on Ternary(): 1 layer (middle); its outputs differ by ...
    >>> kernel = ops.convert_to_numpy(merge(train).get_layer("middle").kernel)
    >>> max(len(np.unique(channel)) for channel in kernel.T) <= 3
    True

    Reference:

    - The quantizers name theirs.
    """
    check_model(model)
    method = Quantized(kernel_quantizer=kernel_quantizer)
    sites = ModelSites(model)
    linear = [_with_obstacle(site) for site in linear_layers(model, method)]
    chosen = choose_among(linear, sites, filters, method, verb="quantize")
    for site in chosen:
        check_finite(site, verb="quantize")
    arguments = comparable_arguments(model, data) if verbose else None
    with_mean = {site.index: id(site.layer) in sites.flow.with_mean for site in chosen}

    def convert(site: LinearLayer, layer: keras.layers.Layer) -> None:
        quantizer = method.kernel_quantizer.at(input_has_mean=with_mean[site.index])
        if isinstance(layer, ReparamLayer):
            layer.quantize_kernel(quantizer)
        else:
            own = dataclasses.replace(method, kernel_quantizer=quantizer)
            own.training_classes[type(layer)].adopt(layer, own)

    quantized = converted_copy(model, chosen, convert, description="Quantizing")
    if verbose:
        print(_report(model, quantized, method.kernel_quantizer, chosen, arguments, data))
    copy_compile_state(model, quantized)
    return quantized


def _with_obstacle(site: LinearLayer) -> LinearLayer:
    """A layer that is in training form has the obstacles of its form, not of its class."""
    if not isinstance(site.layer, ReparamLayer):
        return site
    return dataclasses.replace(site, obstacle=site.layer.quantizer_obstacle())


def _report(
    model: keras.Model,
    quantized: keras.Model,
    quantizer: quantizers.Quantizer,
    chosen: list[LinearLayer],
    arguments: list[Any] | None,
    data: Any,
) -> str:
    """One line: what was quantized, and by how much the function has changed."""
    paths = ", ".join(site.path for site in chosen[:3])
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    plural = "layer" if len(chosen) == 1 else "layers"
    what = f"'{model.name}' on {quantizer!r}: {len(chosen)} {plural} ({paths}{more})"
    if arguments is None:
        return f"{what}; pass `data=` to see by how much its outputs differ"
    difference, _ = difference_of_models(model, quantized, arguments)
    which = "random input" if data is None else "the data"
    return f"{what}; its outputs differ by {difference:.1%} of their largest value on {which}"
