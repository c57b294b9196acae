"""`convolve`: a Conv1D layer's convolution with another kernel."""

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
