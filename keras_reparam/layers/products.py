"""A plain layer's product with the batch, for another kernel and bias."""

from typing import Any

import keras
from keras import ops


def convolve(layer: keras.layers.Conv1D, inputs: Any, kernel: Any) -> Any:
    """What the layer computes of its inputs with this kernel, before bias and activation."""
    padding = layer.padding
    if padding == "causal":
        left = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
        last = layer.data_format == "channels_last"
        width = [[0, 0], [left, 0], [0, 0]] if last else [[0, 0], [0, 0], [left, 0]]
        inputs, padding = ops.pad(inputs, width), "valid"
    return ops.conv(
        inputs,
        kernel,
        strides=list(layer.strides),
        padding=padding,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
    )


def convolution(layer: keras.layers.Conv1D, inputs: Any, kernel: Any, bias: Any) -> Any:
    """A Conv1D layer's outputs with this kernel and bias (or `None`)."""
    outputs = convolve(layer, inputs, kernel)
    if bias is not None:
        last = layer.data_format == "channels_last"
        shape = (1, 1, layer.filters) if last else (1, layer.filters, 1)
        outputs = ops.add(outputs, ops.reshape(bias, shape))
    return outputs if layer.activation is None else layer.activation(outputs)


def dense(layer: keras.layers.Dense, inputs: Any, kernel: Any, bias: Any) -> Any:
    """A Dense layer's outputs with this kernel and bias (or `None`)."""
    outputs = ops.matmul(inputs, kernel)
    if bias is not None:
        outputs = ops.add(outputs, bias)
    return outputs if layer.activation is None else layer.activation(outputs)
