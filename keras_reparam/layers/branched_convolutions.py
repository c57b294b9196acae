"""The training forms of `Branches`: convolutions whose kernel is a sum over branches."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reparam.layers.branches import Branches
from keras_reparam.layers.products import convolve
from keras_reparam.layers.reparam_layer import ReparamLayer
from keras_reparam.layers.training_form import training_form

# As RepVGG has them.
_EPSILON, _MOMENTUM = 1e-5, 0.9


class _BranchedConvolution(ReparamLayer):
    """Base: `K = K1 g1 + D(K2) g2 + D(1) g3` with `g = gamma / sqrt(variance + epsilon)`.

    `D` puts a kernel of length 1 at the place of a kernel of full length that sees the frame
    itself. Statistics are those of all frames of the batch, as those of `BatchNormalization`
    without a mask.
    """

    def add_own_weights(self, kernel_shape: tuple[int, ...], start: dict[str, Any]) -> None:
        channels = (self._channels(kernel_shape),)
        for branch in self._branches(kernel_shape):
            if branch != "identity":
                shape = self._branch_shape(branch, kernel_shape)
                self._add_own(f"{branch}_kernel", shape, start[f"{branch}_kernel"])
            fixed = {"trainable": False}
            weights = {"gamma": {}, "moving_variance": fixed}
            if self.use_bias:
                weights |= {"beta": {}, "moving_mean": fixed}
            for name, options in weights.items():
                name = f"{branch}_{name}"
                self._add_own(
                    name, channels, start.get(name, _START[name.split("_", 1)[1]]), **options
                )

    def init_fresh(self, draw: Any, kernel_shape: tuple[int, ...]) -> dict[str, Any]:
        # The long branch is what the plain layer would draw; its scale makes up for epsilon.
        return {"long_kernel": draw, "point_kernel": draw, **_SCALES}

    def init_from_plain(self, kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, Any]:
        shape = self._branch_shape("point", kernel.shape)
        draw = keras.initializers.get(self._kernel_option("initializer"))
        start = {
            f"{branch}_{name}": np.full(self._channels(kernel.shape), value, self._numpy_dtype)
            for branch in self._branches(kernel.shape)
            for name, value in _VALUES.items()
            if self.use_bias or name in ("gamma", "moving_variance")
        }
        start |= {"long_kernel": kernel, "point_kernel": ops.convert_to_numpy(draw(shape))}
        for name, initializer in _SCALES.items():
            start[name] = np.full_like(start[name], initializer.value)
        return start

    def fold(self, weights: dict[str, Any], xp: Any) -> tuple[Any, Any]:
        kernel, bias = 0, weights.get("bias")
        for branch in self._branches(self.plain_kernel_shape):
            scale = weights[f"{branch}_gamma"] / xp.sqrt(
                weights[f"{branch}_moving_variance"] + _EPSILON
            )
            kernel = kernel + self._scaled(self._full_kernel(branch, weights, xp), scale, xp)
            if bias is not None:
                bias = bias + weights[f"{branch}_beta"] - weights[f"{branch}_moving_mean"] * scale
        return kernel, bias

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        # Frozen, it normalizes as at inference: so does Keras's BatchNormalization.
        if not (training and self.trainable):
            kernel, bias = self._folded()
            return self._finish(self._convolve(inputs, kernel), bias)
        weights = {
            name: ops.cast(variable, self._fold_dtype)
            for name, variable in self._own_weights().items()
        }
        outputs = 0
        for branch in self._branches(self.plain_kernel_shape):
            kernel = ops.cast(self._full_kernel(branch, weights, ops), self.compute_dtype)
            branch_outputs = ops.cast(self._convolve(inputs, kernel), self._fold_dtype)
            outputs = outputs + self._normalized(branch, branch_outputs, weights)
        bias = None if self._bias is None else ops.cast(weights["bias"], self.compute_dtype)
        return self._finish(ops.cast(outputs, self.compute_dtype), bias)

    def _normalized(self, branch: str, outputs: Any, weights: dict[str, Any]) -> Any:
        """Batch normalization in training: by the batch's statistics, which it also averages."""
        axes = [axis for axis in range(len(outputs.shape)) if axis != self._axis(outputs)]
        mean, variance = ops.moments(outputs, axes=axes)
        self._average(f"{branch}_moving_variance", variance)
        outputs_scale = weights[f"{branch}_gamma"] / ops.sqrt(variance + _EPSILON)
        if not self.use_bias:
            return outputs * self._row(outputs_scale, outputs)
        self._average(f"{branch}_moving_mean", mean)
        offset = weights[f"{branch}_beta"] - mean * outputs_scale
        return outputs * self._row(outputs_scale, outputs) + self._row(offset, outputs)

    def _average(self, name: str, value: Any) -> None:
        moving = self._own[name]
        value = ops.cast(value, moving.dtype)
        moving.assign(moving * _MOMENTUM + value * (1 - _MOMENTUM))

    def _finish(self, outputs: Any, bias: Any) -> Any:
        if bias is not None:
            outputs = ops.add(outputs, self._row(bias, outputs))
        return outputs if self.activation is None else self.activation(outputs)

    def _axis(self, outputs: Any) -> int:
        return len(outputs.shape) - 1 if self.data_format == "channels_last" else 1

    def _row(self, values: Any, outputs: Any) -> Any:
        """Values a channel in a shape that broadcasts to the outputs."""
        shape = [1] * len(outputs.shape)
        shape[self._axis(outputs)] = -1
        return ops.reshape(values, shape)

    def describe(self) -> dict[str, Any]:
        return {"branches": len(self._branches(self.plain_kernel_shape))}

    # Kernels of branches

    def _branches(self, kernel_shape: tuple[int, ...]) -> tuple[str, ...]:
        same = max(self.strides) == 1 and self._keeps_channels(kernel_shape)
        return ("long", "point", "identity") if same else ("long", "point")

    def _branch_shape(self, branch: str, kernel_shape: tuple[int, ...]) -> tuple[int, ...]:
        if branch == "long":
            return tuple(kernel_shape)
        return (*(1 for _ in self.kernel_size), *kernel_shape[-2:])

    def _full_kernel(self, branch: str, weights: dict[str, Any], xp: Any) -> Any:
        if branch == "long":
            return weights["long_kernel"]
        point = weights["point_kernel"] if branch == "point" else self._unit_kernel()
        at = [self._own_frame(size) for size in self.kernel_size]
        width = [(a, size - 1 - a) for a, size in zip(at, self.kernel_size, strict=True)]
        return xp.pad(point, [*width, (0, 0), (0, 0)])

    def _own_frame(self, size: int) -> int:
        """Which place of a kernel sees the frame itself."""
        return size - 1 if self.padding == "causal" else (size - 1) // 2

    def _unit_kernel(self) -> np.ndarray:
        """The kernel of length 1 that gives the input."""
        inputs, outputs = self.plain_kernel_shape[-2:]
        unit = np.zeros((inputs, outputs), self._fold_dtype)
        unit[np.arange(outputs) % inputs if outputs else 0, np.arange(outputs)] = 1
        return unit.reshape(*(1 for _ in self.kernel_size), inputs, outputs)


# Where the weights of a normalization start; the scale of the long branch is set apart.
_VALUES = {"gamma": 0.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}
# Only the long branch is heard then, with factor 1.
_SCALES = {"long_gamma": keras.initializers.Constant((1 + _EPSILON) ** 0.5)}
_START = {name: keras.initializers.Constant(value) for name, value in _VALUES.items()}


@training_form(Branches, keras.layers.Conv1D, name="BranchedConv1D")
class BranchedConv1D(_BranchedConvolution, keras.layers.Conv1D):
    """`keras.layers.Conv1D` as `Branches` trains it; same arguments.

    Example:

    >>> layer = BranchedConv1D(4, 3, padding="same")
    >>> layer(np.ones((2, 10, 4), "float32")).shape == (2, 10, 4)
    True
    >>> type(layer.merge()) is keras.layers.Conv1D
    True
    """

    def __init__(self, filters: int, kernel_size: int | tuple[int], **conv_options: Any) -> None:
        super().__init__(filters, kernel_size, **conv_options)
        self._set_options()

    def _keeps_channels(self, kernel_shape: tuple[int, ...]) -> bool:
        return kernel_shape[-2] * self.groups == self.filters

    @staticmethod
    def _channels(kernel_shape: tuple[int, ...]) -> int:
        return kernel_shape[-1]

    def _scaled(self, kernel: Any, scale: Any, xp: Any) -> Any:
        return kernel * scale

    def _convolve(self, inputs: Any, kernel: Any) -> Any:
        return convolve(self, inputs, kernel)


class _BranchedDepthwise(_BranchedConvolution):
    """Base of the depthwise ones: each channel has a kernel of its own."""

    kernel_options = "depthwise"

    def _keeps_channels(self, kernel_shape: tuple[int, ...]) -> bool:
        return self.depth_multiplier == 1

    @staticmethod
    def _channels(kernel_shape: tuple[int, ...]) -> int:
        return kernel_shape[-2] * kernel_shape[-1]

    def _scaled(self, kernel: Any, scale: Any, xp: Any) -> Any:
        return kernel * xp.reshape(scale, tuple(self.plain_kernel_shape[-2:]))

    def _unit_kernel(self) -> np.ndarray:
        shape = (*(1 for _ in self.kernel_size), *self.plain_kernel_shape[-2:])
        return np.ones(shape, self._fold_dtype)

    def _convolve(self, inputs: Any, kernel: Any) -> Any:
        return ops.depthwise_conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )


@training_form(Branches, keras.layers.DepthwiseConv1D, name="BranchedDepthwiseConv1D")
class BranchedDepthwiseConv1D(_BranchedDepthwise, keras.layers.DepthwiseConv1D):
    """`keras.layers.DepthwiseConv1D` as `Branches` trains it; same arguments.

    Example:

    >>> layer = BranchedDepthwiseConv1D(3, padding="same")
    >>> layer(np.ones((2, 10, 4), "float32")).shape == (2, 10, 4)
    True
    """

    def __init__(self, kernel_size: int | tuple[int], **conv_options: Any) -> None:
        super().__init__(kernel_size, **conv_options)
        self._set_options()


@training_form(Branches, keras.layers.DepthwiseConv2D, name="BranchedDepthwiseConv2D")
class BranchedDepthwiseConv2D(_BranchedDepthwise, keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` as `Branches` trains it; same arguments.

    The Conformer and HAFFormer convolve over time in two dimensions, of which one is 1.

    Example:

    >>> layer = BranchedDepthwiseConv2D((3, 1), padding="same")
    >>> layer(np.ones((2, 10, 1, 4), "float32")).shape == (2, 10, 1, 4)
    True
    """

    def __init__(self, kernel_size: int | tuple[int, int], **conv_options: Any) -> None:
        super().__init__(kernel_size, **conv_options)
        self._set_options()
