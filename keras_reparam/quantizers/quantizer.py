"""`Quantizer`: a grid for kernels, and how they are trained on it."""

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class Quantizer:
    """Base of the quantizers: a latent kernel in, a kernel of few values a channel out.

    A channel is an entry of the last axis; `n` values lead to it. The kernel on the grid is
    `codes * scale`: small integers times one number a channel. A quantizer is a frozen dataclass
    whose fields are its options, registered with Keras, and writes

    - `variables(kernel_shape)`: shapes of what it trains besides the latent kernel, by name;
    - `start(kernel)`: their values for a kernel that training starts from;
    - `codes(kernel, variables)`: the codes, in the arithmetic of training;
    - `scale(kernel, codes, variables, xp)`: the scale; `xp` is `keras.ops` in training, `numpy`
      for the merge in float64;
    - `slope(kernel, codes, scale, variables)`: a tensor whose gradient stands for that of the
      kernel on the grid; by default the latent kernel (straight-through).

    In training the value is the grid's, bit for bit, and the gradient that of `slope`:
    `q + (s - stop_gradient(s))` with `q = stop_gradient(codes * scale)`. The usual order,
    `s + stop_gradient(q - s)`, would leave some values an ulp off the grid.

    The codes are decided once, in the arithmetic of training: near a threshold float64 would
    decide otherwise, and the merged kernel would be another one. The scale is exact.

    Attributes:
        name: Its name in messages, settings and `keras_reparam.quantizers.get`.
    """

    name: ClassVar[str]

    @property
    def bits(self) -> int:
        """Bits that a code takes in a file."""
        raise NotImplementedError

    @property
    def levels(self) -> int:
        """The most values that a channel has."""
        raise NotImplementedError

    def variables(self, kernel_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Shapes of the quantizer's own variables, by name."""
        return {}

    def start(self, kernel: Any) -> dict[str, Any]:
        """Values of the own variables with which training starts from a latent kernel."""
        return {}

    def codes(self, kernel: Any, variables: dict[str, Any]) -> Any:
        """Integers, as a tensor of the kernel's dtype and shape."""
        raise NotImplementedError

    def scale(self, kernel: Any, codes: Any, variables: dict[str, Any], xp: Any) -> Any:
        """A non-negative number a channel, in a shape that broadcasts to the kernel's."""
        raise NotImplementedError

    def slope(self, kernel: Any, codes: Any, scale: Any, variables: dict[str, Any]) -> Any:
        """What is differentiated in place of the kernel on the grid."""
        return kernel

    def __call__(self, kernel: Any, variables: dict[str, Any] | None = None) -> Any:
        """The kernel on the grid, with a gradient.

        Args:
            kernel: The latent kernel, a tensor `(..., channels)`.
            variables: The own variables, by name.

        Returns:
            A tensor of the same shape and dtype.
        """
        kernel, variables = ops.convert_to_tensor(kernel), variables or {}
        codes = ops.stop_gradient(self.codes(kernel, variables))
        scale = self.scale(kernel, codes, variables, ops)
        slope = self.slope(kernel, codes, scale, variables)
        return ops.stop_gradient(codes * scale) + gradient_alone(slope)

    def codes_and_scale(
        self, kernel: np.ndarray, variables: dict[str, np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a file would hold.

        Args:
            kernel: The latent kernel `(..., channels)` in the dtype of training.
            variables: The own variables, by name.

        Returns:
            The codes, int8 of the kernel's shape, and the scale in float64, which broadcasts to
            it: their product, in float64, is the kernel on the grid.
        """
        variables = variables or {}
        codes = ops.convert_to_numpy(
            self.codes(
                ops.convert_to_tensor(kernel),
                {name: ops.convert_to_tensor(value) for name, value in variables.items()},
            )
        )
        exact = {name: np.asarray(value, "float64") for name, value in variables.items()}
        scale = self.scale(np.asarray(kernel, "float64"), codes.astype("float64"), exact, np)
        return codes.astype("int8"), scale

    def at(self, *, input_has_mean: bool) -> "Quantizer":
        """The options for one layer.

        Args:
            input_has_mean: Whether the mean over the layer's input is more than a constant: it
                is one after a LayerNorm, and not after a ReLU.
        """
        return self

    def get_config(self) -> dict[str, Any]:
        """The options by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The quantizer with these options."""
        return cls(**config)


def mean_of(values: Any, xp: Any) -> Any:
    """Mean over all that leads to a channel, with axes of size 1 in its place."""
    return xp.mean(values, axis=_inputs(values), keepdims=True)


def sum_of(values: Any, xp: Any) -> Any:
    """Sum over all that leads to a channel, with axes of size 1 in its place."""
    return xp.sum(values, axis=_inputs(values), keepdims=True)


def largest_of(values: Any, xp: Any) -> Any:
    """Maximum over all that leads to a channel, with axes of size 1 in its place."""
    return xp.max(values, axis=_inputs(values), keepdims=True)


def gradient_alone(values: Any) -> Any:
    """Zero, with the gradient of the values."""
    return values - ops.stop_gradient(values)


def signs(values: Any) -> Any:
    """-1 or 1, and 1 for zero: a third sign would be a value more a channel."""
    return ops.cast(values >= 0, values.dtype) * 2 - 1


def _inputs(values: Any) -> tuple[int, ...]:
    return tuple(range(len(values.shape) - 1))
