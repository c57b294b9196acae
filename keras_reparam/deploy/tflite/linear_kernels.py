"""Kernels of linear layers and convolutions, and which of them hold three values a channel."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

# Operators with a kernel, and its axis of output channels.
CHANNEL_AXIS = {"FULLY_CONNECTED": 0, "CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
# As far as this from its three values, relative to the largest, a kernel is nearly ternary.
_NEARLY = 0.05
# A shift is so many parts of the scale: see `keras_reparam.quantizers.DualLearnableTernary`.
_SHIFT_STEPS = 63
# What float32 leaves of a value, relative to the largest.
_ROUNDING = 2.0**-21
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
        is_ternary: Whether every channel holds `-a`, 0 and `a` alone, bit for bit. One value alone
            in a channel says nothing, nor do zeros alone.
    """

    name: str
    operator: int
    operation: str
    tensor: int
    channels: np.ndarray
    is_ternary: bool

    @property
    def is_nearly_ternary(self) -> bool:
        """Whether it would be but for small differences, as a cast or a further step leaves."""
        sizes = np.abs(self.channels.astype("float64"))
        largest = sizes.max(axis=1, keepdims=True)
        near = (sizes <= _NEARLY * largest) | (sizes >= (1 - _NEARLY) * largest)
        return _says_something(self.channels) and bool(near.all()) and not self.is_ternary


def linear_kernels(graph: TFLiteGraph) -> Iterator[LinearKernel]:
    """The kernels that linear operators read from the file, in order of execution.

    One that several operators share is read once. A file whose kernels are many views of the same
    bytes is not read to its end.
    """
    known: dict[tuple, tuple[np.ndarray, bool]] = {}
    left = _READS_PER_BYTE * sum({t.buffer: t.data_bytes for t in graph.tensors}.values())
    for index, operator in enumerate(graph.operators):
        axis = CHANNEL_AXIS.get(operator.name)
        if axis is None or len(operator.inputs) < 2 or not graph.is_constant(operator.inputs[1]):
            continue
        about = graph.tensors[operator.inputs[1]]
        key = (about.start, about.shape, about.dtype, axis)
        if key not in known:
            left -= about.data_bytes
            if left < 0:
                return
            kernel = graph.values(operator.inputs[1])
            if kernel is None or kernel.ndim <= axis or not kernel.size or not operator.outputs:
                continue
            rows = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)
            # A broken file's floats may be signaling NaNs, at which NumPy warns.
            with np.errstate(invalid="ignore"):
                known[key] = rows, _says_something(rows) and bool(ternary_channels(rows).all())
        name = graph.tensors[operator.outputs[0]].name
        yield LinearKernel(name, index, operator.name, operator.inputs[1], *known[key])


def _says_something(channels: np.ndarray) -> bool:
    return channels.shape[1] > 1 and bool(channels.any())


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


def shifted_channels(channels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of the channels `(channels, values)` hold `63 T + k` times a scale, T in -1, 0, 1.

    Channels without a shift, `k = 0`, are none of these: `ternary_channels` knows them.

    Returns:
        Which; and, for these, their integers and their scales.

    Example:

    >>> values = np.array([[68, 5, -58], [60, 5, -58]]) * np.float32(0.01)
    >>> which, codes, scales = shifted_channels(values.astype("float32"))
    >>> which.tolist(), codes[0].tolist(), scales[0].round(6).tolist()
    ([True, False], [68.0, 5.0, -58.0], 0.01)
    """
    rows = channels.astype("float64")
    low, high = rows.min(axis=1), rows.max(axis=1)
    # Both -1 and 1 are in T, or the channel is not told from others.
    scales = (high - low) / (2 * _SHIFT_STEPS)
    steps = np.where(scales > 0, scales, 1.0)
    shifts = np.round((high + low) / 2 / steps)[:, None]
    codes = np.round(rows / steps[:, None])
    known = np.isin(codes - shifts, (-_SHIFT_STEPS, 0, _SHIFT_STEPS)).all(axis=1)
    error = np.abs(rows - codes * steps[:, None]).max(axis=1)
    exact = error <= _ROUNDING * np.abs(rows).max(axis=1)
    int8 = (shifts[:, 0] != 0) & (np.abs(codes).max(axis=1) <= 127)
    return (scales > 0) & known & exact & int8, codes, scales
