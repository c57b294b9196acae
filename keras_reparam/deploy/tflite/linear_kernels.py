"""Kernels of linear layers and convolutions, and which of them hold three values a channel."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

# Operators with a kernel, and its axis of output channels.
CHANNEL_AXIS = {"FULLY_CONNECTED": 0, "CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
# As far as this from its three values, relative to the largest, a kernel is nearly ternary.
_NEARLY = 0.05
# Tied kernels are read again.
_READS_PER_BYTE = 4


@dataclasses.dataclass(frozen=True)
class LinearKernel:
    """A stored kernel and the operator that multiplies it.

    Attributes:
        name: Of what the operator makes: its layer's.
        operator: Index of the operator.
        operation: The operator's name.
        tensor: Index of the kernel.
        channels: `(channels, values)`: numbers, or integer codes, of each output channel.
    """

    name: str
    operator: int
    operation: str
    tensor: int
    channels: np.ndarray

    @property
    def is_ternary(self) -> bool:
        """Whether every channel holds `-a`, 0 and `a` alone, bit for bit.

        One value alone in a channel says nothing, nor do zeros alone.
        """
        return self._says_something and bool(ternary_channels(self.channels).all())

    @property
    def is_nearly_ternary(self) -> bool:
        """Whether it would be but for small differences, as a cast or a further step leaves."""
        sizes = np.abs(self.channels.astype("float64"))
        largest = sizes.max(axis=1, keepdims=True)
        near = (sizes <= _NEARLY * largest) | (sizes >= (1 - _NEARLY) * largest)
        return self._says_something and bool(near.all()) and not self.is_ternary

    @property
    def _says_something(self) -> bool:
        return self.channels.shape[1] > 1 and bool(self.channels.any())


def linear_kernels(graph: TFLiteGraph) -> Iterator[LinearKernel]:
    """The kernels that linear operators read from the file, in order of execution.

    A file in which many operators share a large one is not read to its end.
    """
    left = _READS_PER_BYTE * sum({t.buffer: t.data_bytes for t in graph.tensors}.values())
    for index, operator in enumerate(graph.operators):
        axis = CHANNEL_AXIS.get(operator.name)
        if axis is None or len(operator.inputs) < 2 or not graph.is_constant(operator.inputs[1]):
            continue
        left -= graph.tensors[operator.inputs[1]].data_bytes
        if left < 0:
            return
        kernel = graph.values(operator.inputs[1])
        if kernel is None or kernel.ndim <= axis or not kernel.size or not operator.outputs:
            continue
        rows = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)
        name = graph.tensors[operator.outputs[0]].name
        yield LinearKernel(name, index, operator.name, operator.inputs[1], rows)


def ternary_channels(channels: np.ndarray) -> np.ndarray:
    """Which of the channels `(channels, values)` hold `-a`, 0 and `a` alone, bit for bit.

    Example:

    >>> ternary_channels(np.array([[0.5, 0, -0.5], [0.5, 0, -0.4]])).tolist()
    [True, False]
    """
    if channels.dtype.kind == "i":
        # The size of -128 is no int8.
        channels = channels.astype("int16")
    sizes = np.abs(channels)
    return ((sizes == 0) | (sizes == sizes.max(axis=1, keepdims=True))).all(axis=1)
