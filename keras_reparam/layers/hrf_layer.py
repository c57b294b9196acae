"""What the three HRF layers share: factors instead of a kernel, folded in weight space."""

import random
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reparam.layers import factor_initializers, factorization
from keras_reparam.layers.hrf import HRF
from keras_reparam.layers.reparam_layer import ReparamLayer


class HRFLayer(ReparamLayer):
    """Base of the HRF layers: `K = K1 K2 (K3)` and `b = b1 K2 + b2`, computed once per call.

    A subclass says how the plain kernel is read as a matrix.
    """

    method: HRF

    # How the plain layer's weights are read as matrices. `xp` is `numpy` or `keras.ops`.

    def _to_matrix(self, kernel: Any, xp: Any) -> Any:
        raise NotImplementedError

    def _from_matrix(self, matrix: Any, xp: Any) -> Any:
        raise NotImplementedError

    def _to_row(self, bias: Any, xp: Any) -> Any:
        raise NotImplementedError

    def _from_row(self, row: Any, xp: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def _bias_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The options that give the plain layer a bias that holds the effective one."""
        return {"use_bias": True}

    @classmethod
    def obstacle_to(cls, layer: keras.layers.Layer, method: HRF) -> str:
        """Why a plain layer cannot be factorized so; or `""`."""
        return "" if method.folded else "only Dense layers can be trained as a chain (folded=False)"

    @classmethod
    def holds_inner_bias(cls, layer: keras.layers.Layer) -> bool:
        """Whether a plain layer's bias can take up the inner factors' biases."""
        return layer.bias is not None

    def _set_options(self, **options: Any) -> None:
        super()._set_options(**{**options, "expansion_base": options["expansion_base"] or "units"})
        obstacle = self.obstacle_to(self, self.method)
        if obstacle:
            raise ValueError(f"Layer '{self.name}' cannot be built: {obstacle}.")

    @property
    def _has_bias(self) -> bool:
        return self.hrf_bias or super()._has_bias

    # Own weights

    def add_own_weights(self, kernel_shape: tuple[int, ...], start: dict[str, Any]) -> None:
        groups, shapes = self._factor_shapes(kernel_shape)
        trained = self._whole_factor(shapes) if self.frozen_factors else None
        for i, shape in enumerate(shapes):
            name = f"factor_{i + 1}"
            self._add_own(name, (*groups, *shape), start[name], trainable=trained in (None, name))
        for i in range(self.factors - 1 if self.hrf_bias else 0):
            name, shape = f"factor_bias_{i + 1}", (*groups, 1, shapes[0][1])
            self._add_own(name, shape, start.get(name, "zeros"), trainable=trained is None)

    @staticmethod
    def _whole_factor(shapes: list[tuple[int, int]]) -> str:
        """The factor that holds the kernel; the others are orthonormal.

        Trained alone, it can make the product any matrix.
        """
        rows, rank = shapes[0]
        return f"factor_{len(shapes)}" if rank >= rows else "factor_1"

    @property
    def _factors(self) -> list[Any]:
        return [self._own[f"factor_{i + 1}"] for i in range(self.factors)]

    @property
    def _inner_biases(self) -> list[Any]:
        return [weight for name, weight in self._own.items() if name.startswith("factor_bias")]

    def _factor_shapes(
        self, kernel_shape: tuple[int, ...]
    ) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
        """Leading axes of groups, and the factors' shapes after them."""
        *groups, rows, columns = self._to_matrix(np.empty(kernel_shape), np).shape
        rank = self._rank(rows, columns)
        return tuple(groups), factorization.factor_shapes(rows, columns, rank, self.factors)

    def _rank(self, rows: int, columns: int) -> int:
        return factorization.inner_rank(
            rows, columns, expansion=self.expansion, expansion_base=self.expansion_base
        )

    def init_fresh(self, draw: Any, kernel_shape: tuple[int, ...]) -> dict[str, Any]:
        initializers = factor_initializers.fresh(
            lambda: self._to_matrix(draw(kernel_shape, dtype=self._fold_dtype), ops),
            self._factor_shapes(kernel_shape)[1],
            self._fold_dtype,
        )
        return {f"factor_{i + 1}": start for i, start in enumerate(initializers)}

    def init_from_plain(self, kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, Any]:
        matrix = self._to_matrix(np.asarray(kernel, "float64"), np)
        rank = self._rank(*matrix.shape[-2:])
        factors = factorization.factorize(
            matrix,
            rank,
            factors=self.factors,
            dtype=self._numpy_dtype,
            # As Keras's initializers do, so that `keras.utils.set_random_seed` governs it.
            rng=np.random.default_rng(random.randint(1, int(1e9))),
        )
        start = {f"factor_{i + 1}": factor for i, factor in enumerate(factors)}
        if self.hrf_bias:
            rows = [np.zeros((*matrix.shape[:-2], 1, rank)) for _ in range(self.factors - 1)]
            if bias is not None and self._bias is None:
                # What `hrf_bias` gave the merged layer: the last inner bias with b K = bias.
                row = self._to_row(np.asarray(bias, "float64"), np)
                rows[-1] = row @ np.linalg.pinv(factors[-1].astype("float64"))
            start |= {
                f"factor_bias_{i + 1}": row.astype(self._numpy_dtype) for i, row in enumerate(rows)
            }
        return start

    def fold(self, weights: dict[str, Any], xp: Any) -> tuple[Any, Any]:
        factors = [weights[f"factor_{i + 1}"] for i in range(self.factors)]
        kernel, bias = (
            self._from_matrix(factorization.fold_kernel(factors), xp),
            weights.get("bias"),
        )
        if self.hrf_bias:
            inner = [weights[f"factor_bias_{i + 1}"] for i in range(self.factors - 1)]
            row = None if bias is None else self._to_row(bias, xp)
            bias = self._from_row(factorization.fold_bias(factors, inner, row), xp)
        return kernel, bias

    def describe(self) -> dict[str, Any]:
        return {"rank": int(self._factors[0].shape[-1]), **super().describe()}

    @classmethod
    def merged_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        plain = super().merged_config(config)
        return {**plain, **cls._bias_config(plain)} if config["hrf_bias"] else plain
