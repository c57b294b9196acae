"""What the three HRF layers share: factors instead of a kernel, folded in weight space."""

import random
from typing import Any

import keras
import ml_dtypes
import numpy as np
from keras import ops

from keras_reparam.layers import factor_initializers, factorization
from keras_reparam.layers.hrf_options import OPTIONS, validate_options
from keras_reparam.layers.saving import CONFIGS_ASKED, MERGED_WEIGHTS


class _OnEffective(keras.regularizers.Regularizer):
    """A user's regularizer moved from a variable to the layer's effective kernel or bias.

    Keras asks the variables for their penalties, once a step and only while they are trainable;
    hanging on to one of them keeps that behaviour.
    """

    def __init__(self, regularizer: Any, layer: "HRFLayer", weight: str) -> None:
        self.regularizer = regularizer
        self.layer = layer
        self.weight = weight

    def __call__(self, x: Any) -> Any:
        return self.regularizer(getattr(self.layer, self.weight))


class HRFLayer(keras.layers.Layer):
    """Base of the HRF layers: `K = K1 K2 (K3)` and `b = b1 K2 + b2`, computed once per call.

    A subclass derives from this class and from the plain Keras layer, and says how the plain
    kernel is read as a matrix. Everything else - building, folding, merging, saving - is here.

    The factors are float32 under mixed precision (as the plain kernel would be) and are
    multiplied in float32; the product is cast to the compute dtype once.
    """

    plain_class: type[keras.layers.Layer]

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

    # Construction

    def _set_options(self, **options: Any) -> None:
        if getattr(self.dtype_policy, "quantization_mode", None) is not None:
            raise ValueError(
                "An HRF layer cannot be quantized while its kernel is a product: train in a "
                "floating-point dtype, call `keras_reparam.merge(model)`, and quantize then. "
                f"Received: dtype={self.dtype_policy.name!r}"
            )
        for name, value in validate_options(**options).items():
            setattr(self, name, value)

    def build(self, input_shape: Any) -> None:
        # The plain layer's own build decides on shapes and initializers; see `add_weight`.
        super().build(input_shape)
        shape, draw = self._kernel_shape, self._draw_kernel
        self._add_factors(
            shape,
            factor_initializers.fresh(
                lambda: self._to_matrix(draw(shape, dtype=self._fold_dtype), ops),
                self._factor_shapes(shape)[1],
                self._fold_dtype,
            ),
        )
        del self._kernel_shape, self._draw_kernel

    def add_weight(self, *args: Any, name: str | None = None, **options: Any) -> Any:
        if name == "kernel":
            # Only noted: the factors take its place.
            self._kernel_shape = tuple(options["shape"])
            self._draw_kernel = options["initializer"]
            return None
        if name == "bias":
            # Penalties and constraints go to the effective bias, and it is folded in float32.
            options |= {"regularizer": None, "constraint": None, "autocast": False}
        return super().add_weight(*args, name=name, **options)

    def _add_factors(self, kernel_shape: tuple[int, ...], initializers: list[Any]) -> None:
        groups, shapes = self._factor_shapes(kernel_shape)
        self._factors = [
            self.add_weight(
                name=f"factor_{i + 1}",
                shape=(*groups, *shape),
                initializer=initializer,
                autocast=False,
            )
            for i, (shape, initializer) in enumerate(zip(shapes, initializers, strict=True))
        ]
        self._inner_biases = [
            self.add_weight(
                name=f"factor_bias_{i + 1}",
                shape=(*groups, 1, shapes[0][1]),
                initializer="zeros",
                autocast=False,
            )
            for i in range(self.factors - 1 if self.hrf_bias else 0)
        ]
        self._regularize_effective("kernel", self.kernel_regularizer, self._factors[-1])
        carrier = self._bias if self._bias is not None else (self._inner_biases or [None])[-1]
        self._regularize_effective("bias", self.bias_regularizer, carrier)
        # Variables made after `trainable` was set do not know of it.
        self.trainable = self.trainable

    def _regularize_effective(self, weight: str, regularizer: Any, carrier: Any) -> None:
        if regularizer is not None and carrier is not None:
            carrier.regularizer = _OnEffective(regularizer, self, weight)

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

    def _factorize(self, kernel: Any) -> list[np.ndarray]:
        """Factors of given weights, exact up to one rounding."""
        matrix = self._to_matrix(np.asarray(kernel, "float64"), np)
        # As Keras's initializers do, so that `keras.utils.set_random_seed` governs it.
        rng = np.random.default_rng(random.randint(1, int(1e9)))
        return factorization.factorize(
            matrix,
            self._rank(*matrix.shape[-2:]),
            factors=self.factors,
            dtype=self._numpy_dtype,
            rng=rng,
        )

    @classmethod
    def adopt(cls, layer: keras.layers.Layer, **options: Any) -> None:
        """Turns a built plain layer into this class in place, keeping its function.

        Whatever refers to the layer - a graph, an attribute, a list, a shared call - goes on
        referring to it. Keras changes layers in place likewise for `quantize` and `enable_lora`.

        Args:
            layer: A built layer whose class is `plain_class`.
            **options: `expansion`, `factors`, `expansion_base`, `hrf_bias`.
        """
        options = validate_options(**options)
        kernel, bias = layer._kernel, layer.__dict__.pop("bias")
        for variable in (kernel, bias):
            if variable is not None:
                layer._untrack_variable(variable)
        layer.__class__ = cls
        # Keras wraps these two methods of each instance at its creation, for the class it then
        # was; without the wrappers the methods of this class are found.
        layer.__dict__.pop("build", None)
        layer.__dict__.pop("quantize", None)
        layer._tracker.unlock()
        layer._set_options(**options)
        layer._kernel = None
        layer._bias = None
        if bias is not None:
            layer._bias = layer.add_weight(
                name="bias", shape=bias.shape, initializer=factor_initializers.constant(bias.value)
            )
        factors = layer._factorize(ops.convert_to_numpy(kernel.value))
        layer._add_factors(
            tuple(kernel.shape), [factor_initializers.constant(factor) for factor in factors]
        )
        layer._tracker.lock()

    # The effective weights

    @property
    def bias(self) -> Any:
        """Effective bias `b1 K2 + b2` (a differentiable tensor), or `None` without any."""
        if not self.built:
            raise AttributeError("You must build the layer before accessing `bias`.")
        return self._effective_bias()

    @bias.setter
    def bias(self, value: Any) -> None:
        # The plain layer's `build` assigns its variable here.
        self._bias = value

    @property
    def kernel(self) -> Any:
        """Effective kernel `K1 K2 (K3)`: a differentiable tensor of the plain kernel's shape."""
        if not self.built:
            raise AttributeError("You must build the layer before accessing `kernel`.")
        return self._effective_kernel()

    def _effective_kernel(self) -> Any:
        kernel = self._from_matrix(factorization.fold_kernel(self._to_fold(self._factors)), ops)
        return kernel if self.kernel_constraint is None else self.kernel_constraint(kernel)

    def _effective_bias(self) -> Any:
        bias = None if self._bias is None else ops.cast(self._bias, self._fold_dtype)
        if self._inner_biases:
            factors, inner = self._to_fold(self._factors), self._to_fold(self._inner_biases)
            bias = self._with_inner_biases(factors, inner, bias, ops)
        if bias is None or self.bias_constraint is None:
            return bias
        return self.bias_constraint(bias)

    def _with_inner_biases(self, factors: list[Any], inner: list[Any], bias: Any, xp: Any) -> Any:
        row = None if bias is None else self._to_row(bias, xp)
        return self._from_row(factorization.fold_bias(factors, inner, row), xp)

    def _to_fold(self, variables: list[Any]) -> list[Any]:
        return [ops.cast(variable, self._fold_dtype) for variable in variables]

    @property
    def _fold_dtype(self) -> str:
        return "float64" if self.variable_dtype == "float64" else "float32"

    def _folded(self) -> tuple[Any, Any]:
        """Effective kernel and bias (or `None`) in the compute dtype."""
        bias = self._effective_bias()
        return (
            ops.cast(self._effective_kernel(), self.compute_dtype),
            None if bias is None else ops.cast(bias, self.compute_dtype),
        )

    # Merging

    def merge(self) -> keras.layers.Layer:
        """The plain Keras layer with kernel `K1 K2 (K3)` and bias `b1 K2 + b2`.

        The products are computed in float64 and cast once. This layer is left as it is.

        Returns:
            A built layer of the plain class (`keras.layers.Dense`, `EinsumDense` or `Conv1D`),
            of the same name. It has a bias if any of the factors has one.

        Raises:
            ValueError: If the layer is not built, or holds NaN or infinite values.
        """
        if not self.built:
            raise ValueError(
                f"Layer '{self.name}' has no weights yet. Build it, or call it on data, before "
                "merging."
            )
        kernel, bias = self.merged_weights()
        plain = self.plain_class.from_config(self.plain_config(self.get_config()))
        plain.build(self.get_build_config()["input_shape"])
        plain._kernel.assign(kernel)
        if bias is not None:
            plain.bias.assign(bias)
        return plain

    def check_finite(self, path: str | None = None) -> None:
        """Raises a `ValueError` naming the layer if a factor or bias holds NaN or infinity."""
        for variable in self._own_weights().values():
            values = ops.convert_to_numpy(variable.value).astype("float64")
            if not np.isfinite(values).all():
                raise ValueError(
                    f"Layer '{path or self.name}' cannot be merged: {variable.name} holds "
                    f"{int((~np.isfinite(values)).sum())} values that are NaN or infinite. "
                    "Training has diverged: go back to an earlier checkpoint."
                )

    def merged_weights(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Kernel and bias (or `None`) of the plain layer: products in float64, rounded once."""
        self.check_finite()

        def exact(variable: Any) -> np.ndarray:
            return ops.convert_to_numpy(variable.value).astype("float64")

        factors = [exact(factor) for factor in self._factors]
        kernel = self._from_matrix(factorization.fold_kernel(factors), np)
        bias = None if self._bias is None else exact(self._bias)
        if self._inner_biases:
            inner = [exact(row) for row in self._inner_biases]
            bias = self._with_inner_biases(factors, inner, bias, np)
        return (
            self._cast_once(kernel, self.kernel_constraint),
            None if bias is None else self._cast_once(bias, self.bias_constraint),
        )

    def _cast_once(self, exact: np.ndarray, constraint: Any | None) -> np.ndarray:
        if constraint is not None:
            exact = ops.convert_to_numpy(constraint(ops.convert_to_tensor(exact, self._fold_dtype)))
        return exact.astype(self._numpy_dtype)

    @property
    def _numpy_dtype(self) -> Any:
        return ml_dtypes.bfloat16 if self.variable_dtype == "bfloat16" else self.variable_dtype

    @classmethod
    def plain_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The plain layer's config for an HRF layer's config."""
        plain = {name: value for name, value in config.items() if name not in OPTIONS}
        return {**plain, **cls._bias_config(plain)} if config["hrf_bias"] else plain

    # Saving

    def _own_weights(self) -> dict[str, Any]:
        weights = {f"factor_{i + 1}": factor for i, factor in enumerate(self._factors)}
        weights |= {f"factor_bias_{i + 1}": row for i, row in enumerate(self._inner_biases)}
        if self._bias is not None:
            weights["bias"] = self._bias
        return weights

    def save_own_variables(self, store: Any) -> None:
        if not self.built:
            return
        merged = MERGED_WEIGHTS.get()
        if merged is not None:
            kernel, bias = merged[id(self)]
            store["0"] = kernel
            if bias is not None:
                store["1"] = bias
            return
        for name, variable in self._own_weights().items():
            store[name] = variable

    def load_own_variables(self, store: Any) -> None:
        """Loads factors, or a plain layer's weights, which are then factorized anew."""
        if not self.built:
            raise ValueError(
                f"Layer '{self.name}' was never built, so there is nothing to load its weights "
                "into. Build the model before loading weights."
            )
        names = set(store.keys())
        own = self._own_weights()
        if names == set(own):
            self._check_shapes(store, own)
            for name, variable in own.items():
                variable.assign(store[name])
            return
        kernel_alone, with_bias = ["0"], ["0", "1"]
        plain = [with_bias] if self._bias is not None or self._inner_biases else [kernel_alone]
        if self._bias is None and self._inner_biases:
            # The plain layer has a bias only once `hrf_bias` gave it one.
            plain.append(kernel_alone)
        if sorted(names) not in plain:
            raise ValueError(
                f"Layer '{self.name}' expected the weights {sorted(own)} or a plain layer's "
                f"{plain[0]}. Received: {sorted(names)}. Expand the model with the "
                "options (factors, hrf_bias) that the checkpoint was made with."
            )
        self._load_plain(store)

    def _load_plain(self, store: Any) -> None:
        kernel = np.asarray(store["0"])
        expected = self.plain_kernel_shape
        if tuple(kernel.shape) != expected:
            raise ValueError(
                f"Layer '{self.name}' expected a plain kernel of shape {expected}. "
                f"Received: shape {tuple(kernel.shape)}."
            )
        for variable, value in zip(self._factors, self._factorize(kernel), strict=True):
            variable.assign(value)
        for row in self._inner_biases:
            row.assign(ops.zeros_like(row.value))
        if self._bias is not None:
            self._bias.assign(store["1"])
        elif "1" in set(store.keys()):
            # What `hrf_bias` gave the merged layer: the last inner bias with b K = bias.
            bias = self._to_row(np.asarray(store["1"], "float64"), np)
            last = ops.convert_to_numpy(self._factors[-1].value).astype("float64")
            self._inner_biases[-1].assign((bias @ np.linalg.pinv(last)).astype(self._numpy_dtype))

    def _check_shapes(self, store: Any, own: dict[str, Any]) -> None:
        for name, variable in own.items():
            if tuple(store[name].shape) != tuple(variable.shape):
                raise ValueError(
                    f"Layer '{self.name}' expected {name} of shape {tuple(variable.shape)}. "
                    f"Received: shape {tuple(store[name].shape)}. Expand the model with the "
                    "`expansion` and `expansion_base` that the checkpoint was made with."
                )

    @property
    def plain_kernel_shape(self) -> tuple[int, ...]:
        """Shape of the kernel that the merged layer has."""
        shape = (*self._factors[0].shape[:-1], self._factors[-1].shape[-1])
        return tuple(self._from_matrix(np.empty(shape), np).shape)

    def get_config(self) -> dict[str, Any]:
        asked = CONFIGS_ASKED.get()
        if asked is not None:
            asked.add(id(self))
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in OPTIONS},
        }

    # What only a merged layer can do

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Not available while the kernel is a product: merge first."""
        raise ValueError(
            f"LoRA needs one kernel, but layer '{self.name}' holds factors. Call "
            "`keras_reparam.merge(model)` (or `layer.merge()`) first."
        )

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Not available while the kernel is a product: merge first."""
        raise ValueError(
            f"Quantization needs one kernel, but layer '{self.name}' holds factors. Call "
            "`keras_reparam.merge(model)` (or `layer.merge()`) first. If this was "
            "`model.quantize`, layers before this one are quantized already: load the model again."
        )

    def __repr__(self) -> str:
        return (
            f"<HRF{self.plain_class.__name__} name={self.name}, expansion={self.expansion}, "
            f"factors={self.factors}, built={self.built}>"
        )


def name_as_plain(cls: type[HRFLayer]) -> type[HRFLayer]:
    """Class decorator: `__name__` becomes the plain layer's.

    Keras names weights in a file after the class name, so a light model's checkpoint loads into
    its expanded twin, and default layer names stay those of the plain layer. The registered name
    and `__qualname__` remain the class's own.
    """
    cls.__name__ = cls.plain_class.__name__
    return cls
