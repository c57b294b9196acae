"""`EinsumKernel`: what layers in training form share whose plain layer is an EinsumDense."""

import math
import re
from typing import Any

from keras import ops


class EinsumKernel:
    """Mixin: reads the kernel of an `EinsumDense` as a matrix, and applies one.

    The matrix has the axes that the equation sums over as rows, those that it keeps as columns:
    each of these is an output of the layer, and so a channel.
    """

    equation: str
    activation: Any

    def _kernel_noted(self, kernel_shape: tuple[int, ...]) -> None:
        # Size of each axis of the kernel, by its letter in the equation.
        self._sizes = dict(zip(split_equation(self.equation)[2], kernel_shape, strict=True))

    def _apply(self, inputs: Any, kernel: Any, bias: Any) -> Any:
        """The layer's outputs for this kernel and bias."""
        outputs = ops.einsum(self.equation, inputs, kernel)
        if bias is not None:
            outputs = ops.add(outputs, bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _to_matrix(self, kernel: Any, xp: Any) -> Any:
        rows, columns, letters = split_equation(self.equation)
        order = [letters.index(letter) for letter in rows + columns]
        return xp.reshape(xp.transpose(kernel, order), (self._size(rows), self._size(columns)))

    def _from_matrix(self, matrix: Any, xp: Any) -> Any:
        rows, columns, letters = split_equation(self.equation)
        kernel = xp.reshape(matrix, [self._sizes[letter] for letter in rows + columns])
        return xp.transpose(kernel, [(rows + columns).index(letter) for letter in letters])

    def _channels_last(self, kernel: Any, xp: Any) -> Any:
        return self._to_matrix(kernel, xp)

    def _from_channels_last(self, kernel: Any, xp: Any) -> Any:
        return self._from_matrix(kernel, xp)

    def _size(self, letters: str) -> int:
        return math.prod(self._sizes[letter] for letter in letters)


def split_equation(equation: str) -> tuple[str, str, str]:
    """The kernel's axes that are summed over, those that are kept, and all in their order.

    Example:

    >>> split_equation("abc,dce->abde")
    ('c', 'de', 'dce')
    """
    found = re.fullmatch(r"[^,]+,([A-Za-z]+)->(.+)", equation.replace(" ", ""))
    if found is None:
        raise ValueError(
            f'An equation must read "input,kernel->output". Received: equation={equation!r}'
        )
    kernel, output = found.groups()
    rows = "".join(letter for letter in kernel if letter not in output)
    columns = "".join(letter for letter in kernel if letter in output)
    return rows, columns, kernel
