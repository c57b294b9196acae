"""`ReparamLayer`: what every layer has that trains a plain layer in another form."""

import functools
from typing import Any, ClassVar, Self

import keras
import ml_dtypes
import numpy as np
from keras import ops

from keras_reparam import _keras, quantizers
from keras_reparam.layers.factor_initializers import constant
from keras_reparam.layers.reparam_config import ReparamConfig
from keras_reparam.layers.saving import CONFIGS_ASKED, MERGED_WEIGHTS
from keras_reparam.pruning import Pruning
from keras_reparam.quantizers.switched_off import is_switched_off

# The names of the quantizer's variables among the layer's own weights.
_OF_QUANTIZER = "quantizer_"
# And those of the pruning: which groups are left; Z, U and rho of ADMM.
_KEPT, _TARGET, _DUAL, _RHO = "pruning_kept", "pruning_target", "pruning_dual", "pruning_rho"


class _OnEffective(keras.regularizers.Regularizer):
    """A user's regularizer moved from a variable to the layer's effective kernel or bias.

    Keras asks the variables for their penalties, once a step and only while they are trainable;
    hanging on to one of them keeps that behaviour.
    """

    def __init__(self, regularizer: Any, layer: "ReparamLayer", weight: str) -> None:
        self.regularizer = regularizer
        self.layer = layer
        self.weight = weight

    def __call__(self, x: Any) -> Any:
        return self.regularizer(getattr(self.layer, self.weight))


class _WithPruning(keras.regularizers.Regularizer):
    """A variable's regularizer, and the penalty of ADMM on the kernel that it is a part of."""

    def __init__(self, regularizer: Any | None, layer: "ReparamLayer") -> None:
        self.regularizer = regularizer
        self.layer = layer

    def __call__(self, x: Any) -> Any:
        penalty = self.layer.pruning_penalty()
        return penalty if self.regularizer is None else penalty + self.regularizer(x)


class ReparamLayer(keras.layers.Layer):
    """Base of all training forms: `kernel` and `bias` are a function of the layer's own weights.

    A training form derives from this class (first) and from the plain Keras layer, and carries
    the decorator `training_form`. Its options are those of its method (`ReparamConfig`): keyword
    arguments of `__init__`, which hands them to `_set_options`. It writes

    - `add_own_weights(kernel_shape, start)`: its variables by `add_weight`, which `_own` lists;
    - `init_fresh(draw, kernel_shape)`: their initial values in a new layer;
    - `init_from_plain(kernel, bias)`: their values that give this kernel and bias;
    - `fold(weights, xp)`: kernel and bias of such values; `xp` is `numpy`, for the merge in
      float64, or `keras.ops`, while training;
    - `describe()`: what the summary says of it, beside what this class does;
    - `call`, which applies the folded weights to a batch.

    Everything else is here: the plain layer's `build` with its options, conversion in place, the
    quantizer and the pruning between the folded kernel and the effective one, regularizers and
    constraints on the effective weights, saving and loading, merging.

    The weights are float32 under mixed precision (as the plain kernel would be) and are folded in
    float32; the result is cast to the compute dtype once.

    Attributes:
        plain_class: The Keras layer that it merges into.
        method_class: The class of its method.
        kernel_options: What the plain class calls the kernel's options: `"kernel"` for
            `kernel_regularizer` and the like.
        kernel_quantizer: What puts the folded kernel on a grid; `None` where nothing does, and
            for methods that have no such option.
        pruning: The groups of rows of the kernel that may go, or `None`. Those that have gone
            are zero in the effective kernel, after the quantizer, and `keras_reparam.merge`
            removes them.
    """

    plain_class: ClassVar[type[keras.layers.Layer]]
    method_class: ClassVar[type[ReparamConfig]]
    kernel_options: ClassVar[str] = "kernel"
    kernel_quantizer: quantizers.Quantizer | None = None
    pruning: Pruning | None = None

    # What a method writes

    def add_own_weights(self, kernel_shape: tuple[int, ...], start: dict[str, Any]) -> None:
        """Creates the variables; `start` holds an initializer for each by its name."""
        raise NotImplementedError

    def init_fresh(self, draw: Any, kernel_shape: tuple[int, ...]) -> dict[str, Any]:
        """Initializers of a new layer, by name; `draw(shape, dtype=)` draws a plain kernel."""
        raise NotImplementedError

    def init_from_plain(self, kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, Any]:
        """Values of the own weights, by name, with which the layer has this kernel and bias."""
        raise NotImplementedError

    def fold(self, weights: dict[str, Any], xp: Any) -> tuple[Any, Any]:
        """Kernel and bias (or `None`) of own weights, before constraints."""
        raise NotImplementedError

    @property
    def _has_bias(self) -> bool:
        """Whether `fold` gives a bias."""
        return self._bias is not None

    def describe(self) -> dict[str, Any]:
        """What `keras_reparam.summary` shows of the layer."""
        quantizer, described = self.kernel_quantizer, {}
        if quantizer is not None:
            described[quantizer.name] = f"{quantizer.bits} bits"
        if self.pruning is not None:
            described["groups"] = f"{int(self.kept_groups.sum())} of {self.pruning.groups}"
        return described

    def _channels_last(self, kernel: Any, xp: Any) -> Any:
        """The kernel with an entry of the last axis for each output: a quantizer's channels."""
        return kernel

    def _from_channels_last(self, kernel: Any, xp: Any) -> Any:
        """The reverse of `_channels_last`."""
        return kernel

    @classmethod
    def merged_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The plain layer's config for this layer's config."""
        return {
            name: value
            for name, value in config.items()
            if name not in (*cls.method_class.options(), "pruning")
        }

    # Construction

    @property
    def method(self) -> ReparamConfig:
        """The layer's method, with its options here."""
        return self.method_class(**self._options())

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.method_class.options()}

    @property
    def _options_in_words(self) -> str:
        return f"options ({', '.join(self.method_class.options())})"

    def _set_options(self, **options: Any) -> None:
        if getattr(self.dtype_policy, "quantization_mode", None) is not None:
            raise ValueError(
                f"A layer in training form ({self.method_class.name}) cannot be quantized: train "
                "in a floating-point dtype, call `keras_reparam.merge(model)`, and quantize then. "
                f"Received: dtype={self.dtype_policy.name!r}"
            )
        for name, value in self.method_class(**options).get_config().items():
            setattr(self, name, value)

    def build(self, input_shape: Any) -> None:
        # The plain layer's own build decides on shapes and initializers; see `add_weight`.
        super().build(input_shape)
        shape, draw = self._kernel_shape, self._draw_kernel
        del self._kernel_shape, self._draw_kernel
        start = self.init_fresh(draw, shape)
        if self.kernel_quantizer is not None:
            start |= self._fresh_quantizer(draw, shape)
        self._build_own(shape, start)

    def _fresh_quantizer(self, draw: Any, kernel_shape: tuple[int, ...]) -> dict[str, Any]:
        """Initializers of the quantizer's variables in a new layer; Keras draws alike twice."""

        def initializer(name: str, shape: Any, dtype: Any = None) -> Any:
            kernel = ops.convert_to_tensor(draw(kernel_shape, dtype=self._fold_dtype))
            return ops.cast(self._quantizer_start(kernel)[name], dtype)

        return {
            name: functools.partial(initializer, name)
            for name in self._quantizer_shapes(kernel_shape)
        }

    def add_weight(self, *args: Any, name: str | None = None, **options: Any) -> Any:
        if name == "kernel":
            # Only noted: the layer's own weights take its place.
            self._kernel_shape = tuple(options["shape"])
            self._kernel_noted(self._kernel_shape)
            self._draw_kernel = options["initializer"]
            return None
        if name == "bias":
            # Penalties and constraints go to the effective bias, and it is folded in float32.
            options |= {"regularizer": None, "constraint": None, "autocast": False}
        return super().add_weight(*args, name=name, **options)

    def _build_own(self, kernel_shape: tuple[int, ...], start: dict[str, Any]) -> None:
        self._plain_kernel_shape = kernel_shape
        self._own: dict[str, Any] = {}
        self.add_own_weights(kernel_shape, start)
        self._add_quantizer_weights(start)
        self._add_pruning_weights()
        trained = [v for v in self._own.values() if v.trainable]
        self._regularize_effective("kernel", self._kernel_option("regularizer"), trained[-1:])
        carriers = trained[-1:] if self._bias is None else [self._bias]
        if self._has_bias:
            self._regularize_effective("bias", self.bias_regularizer, carriers)
        self._penalize_pruned()
        # Variables made after `trainable` was set do not know of it.
        self.trainable = self.trainable

    def _add_quantizer_weights(self, start: dict[str, Any]) -> None:
        for name, shape in self._quantizer_shapes(self._plain_kernel_shape).items():
            self._add_own(name, shape, start[name])

    def _add_own(self, name: str, shape: tuple[int, ...], start: Any, **options: Any) -> None:
        """One own weight: never cast by itself, under its name in files."""
        self._own[name] = self.add_weight(
            name=name, shape=shape, initializer=start, autocast=False, **options
        )

    def _kernel_option(self, name: str) -> Any:
        return getattr(self, f"{self.kernel_options}_{name}")

    def _regularize_effective(self, weight: str, regularizer: Any, carriers: list[Any]) -> None:
        if regularizer is not None and carriers:
            carriers[0].regularizer = _OnEffective(regularizer, self, weight)

    @classmethod
    def adopt(cls, layer: keras.layers.Layer, method: ReparamConfig) -> None:
        """Turns a built plain layer into this class in place, keeping its function.

        Whatever refers to the layer - a graph, an attribute, a list, a shared call - goes on
        referring to it. Keras changes layers in place likewise for `quantize` and `enable_lora`.

        Args:
            layer: A built layer whose class is `plain_class`.
            method: Its method, with the options for this layer (`ReparamConfig.at`).
        """
        kernel, bias = _keras.take_kernel_and_bias(layer)
        layer.__class__ = cls
        _keras.forget_instance_wrappers(layer)
        with _keras.unlocked(layer):
            layer._set_options(**method.get_config())
            layer._kernel = layer._bias = None
            values = [None if v is None else ops.convert_to_numpy(v.value) for v in (kernel, bias)]
            if bias is not None:
                layer._bias = layer.add_weight(
                    name="bias", shape=bias.shape, initializer=constant(bias.value)
                )
            layer._kernel_noted(tuple(kernel.shape))
            start = layer._start_from_plain(*values)
            layer._build_own(
                tuple(kernel.shape), {name: constant(value) for name, value in start.items()}
            )

    def _kernel_noted(self, kernel_shape: tuple[int, ...]) -> None:
        """Called before `init_from_plain` and `add_own_weights`: sizes that they rely on."""

    def quantize_kernel(self, quantizer: quantizers.Quantizer) -> None:
        """Gives a built layer without a quantizer one, in place.

        Args:
            quantizer: The quantizer, with the options for this layer (`Quantizer.at`).

        Raises:
            ValueError: If the layer has one, or its method takes none (`quantizer_obstacle`).
        """
        obstacle = self.quantizer_obstacle()
        if obstacle:
            raise ValueError(f"Layer '{self.name}' cannot be quantized: {obstacle}.")
        kernel = self._latent_kernel()
        with _keras.unlocked(self):
            self.kernel_quantizer = quantizer
            start = self._quantizer_start(kernel)
            self._add_quantizer_weights({name: constant(value) for name, value in start.items()})
            self.trainable = self.trainable

    def quantizer_obstacle(self) -> str:
        """Why the layer cannot be given a quantizer; or `""`."""
        if self.kernel_quantizer is not None:
            return (
                f"it has a quantizer, {self.kernel_quantizer!r}; merge the model first to have "
                "another"
            )
        if "kernel_quantizer" not in self.method_class.options():
            return f"the method {self.method_class.name!r} takes no quantizer; merge it first"
        if not getattr(self, "folded", True):
            return "a chain (folded=False) never computes its kernel"
        return ""

    def _quantizer_shapes(self, kernel_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Shapes of the quantizer's variables, by their names among the own weights."""
        if self.kernel_quantizer is None:
            return {}
        channels_last = self._channels_last(np.empty(kernel_shape), np).shape
        shapes = self.kernel_quantizer.variables(channels_last)
        return {_OF_QUANTIZER + name: shape for name, shape in shapes.items()}

    def _quantizer_start(self, kernel: Any) -> dict[str, Any]:
        """Values of the quantizer's variables for a latent kernel, by name."""
        if self.kernel_quantizer is None:
            return {}
        start = self.kernel_quantizer.start(self._channels_last(kernel, ops))
        return {_OF_QUANTIZER + name: value for name, value in start.items()}

    def _start_from_plain(self, kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, Any]:
        tensor = ops.convert_to_tensor(kernel, self._fold_dtype)
        return {**self.init_from_plain(kernel, bias), **self._quantizer_start(tensor)}

    # Pruning

    def prune_kernel(self, pruning: Pruning) -> None:
        """Gives a built layer without a pruning one, in place; its function stays.

        Raises:
            ValueError: If the layer has one, or cannot be pruned (`pruning_obstacle`).
        """
        obstacle = self.pruning_obstacle()
        if obstacle:
            raise ValueError(f"Layer '{self.name}' cannot be pruned: {obstacle}.")
        with _keras.unlocked(self):
            self.pruning = pruning
            self._add_pruning_weights()
            self._penalize_pruned()
            self.trainable = self.trainable

    def pruning_obstacle(self) -> str:
        """Why the layer cannot be given a pruning; or `""`."""
        if self.pruning is not None:
            return "it is being pruned already; merge the model first"
        if self.plain_class is not keras.layers.Dense:
            return f"only Dense layers can lose inputs, and this is a {self.plain_class.__name__}"
        if not getattr(self, "folded", True):
            return "a chain (folded=False) never computes its kernel"
        return ""

    @property
    def kept_groups(self) -> np.ndarray:
        """Whether each group is left: bool of the shape `(groups,)`."""
        return ops.convert_to_numpy(self._own[_KEPT].value) > 0

    def pruning_state(self) -> dict[str, np.ndarray]:
        """The latent kernel `W`, and `Z`, `U` and `rho` of ADMM, in float32."""
        names = {"target": _TARGET, "dual": _DUAL, "rho": _RHO}
        state = {"latent": self._latent_kernel(), **{k: self._own[v] for k, v in names.items()}}
        return {
            name: ops.convert_to_numpy(value).astype("float32") for name, value in state.items()
        }

    def aim_at(self, target: np.ndarray, dual: np.ndarray, rho: float) -> None:
        """Sets `Z`, `U` and `rho`: from now on the loss holds `rho / 2 |W - Z + U|^2`."""
        for name, value in ((_TARGET, target), (_DUAL, dual), (_RHO, rho)):
            self._own[name].assign(value)

    def keep_groups(self, kept: np.ndarray) -> None:
        """Makes the rows of the other groups zero for good, and ends the penalty."""
        self._own[_KEPT].assign(np.asarray(kept, "float32"))
        self._own[_RHO].assign(0.0)

    def pruning_penalty(self) -> Any:
        """`rho / 2 |W - Z + U|^2`, a scalar in float32."""
        own = self._cast_weights()
        distance = self._latent_kernel() - own[_TARGET] + own[_DUAL]
        return 0.5 * own[_RHO] * ops.sum(ops.square(distance))

    def _add_pruning_weights(self) -> None:
        if self.pruning is None:
            return
        shape = self._plain_kernel_shape
        self._add_own(_KEPT, (self.pruning.groups,), "ones", trainable=False)
        for name, own_shape in ((_TARGET, shape), (_DUAL, shape), (_RHO, ())):
            self._add_own(name, own_shape, "zeros", trainable=False)

    def _penalize_pruned(self) -> None:
        trained = [weight for weight in self._own.values() if weight.trainable]
        if self.pruning is not None and trained:
            trained[-1].regularizer = _WithPruning(trained[-1].regularizer, self)

    def _without_pruned(self, kernel: Any, weights: dict[str, Any], xp: Any) -> Any:
        if self.pruning is None:
            return kernel
        return kernel * xp.repeat(weights[_KEPT], self.pruning.block)[:, None]

    # The effective weights

    @property
    def bias(self) -> Any:
        """Effective bias (a differentiable tensor), or `None` without any."""
        self._check_built("bias")
        return self._constrained(self._fold_now()[1], self.bias_constraint)

    @bias.setter
    def bias(self, value: Any) -> None:
        # The plain layer's `build` assigns its variable here.
        self._bias = value

    @property
    def kernel(self) -> Any:
        """Effective kernel: a differentiable tensor of the plain kernel's shape."""
        self._check_built("kernel")
        return self._constrained(self._fold_now()[0], self._kernel_option("constraint"))

    @kernel.setter
    def kernel(self, value: Any) -> None:
        self._kernel = value

    def _check_built(self, name: str) -> None:
        if not self.built:
            raise AttributeError(f"You must build the layer before accessing `{name}`.")

    def _fold_now(self) -> tuple[Any, Any]:
        weights = self._cast_weights()
        kernel, bias = self.fold(weights, ops)
        if self.kernel_quantizer is not None and not is_switched_off():
            kernel = self.kernel_quantizer(self._channels_last(kernel, ops), _of_quantizer(weights))
            kernel = self._from_channels_last(kernel, ops)
        return self._without_pruned(kernel, weights, ops), bias

    def _cast_weights(self) -> dict[str, Any]:
        """The own weights in the dtype in which they are folded."""
        return {
            name: ops.cast(variable, self._fold_dtype)
            for name, variable in self._own_weights().items()
        }

    def _latent_kernel(self) -> Any:
        """The folded kernel before the quantizer, in the arithmetic of training."""
        return self.fold(self._cast_weights(), ops)[0]

    @staticmethod
    def _constrained(weight: Any, constraint: Any) -> Any:
        return weight if weight is None or constraint is None else constraint(weight)

    @property
    def _fold_dtype(self) -> str:
        return "float64" if self.variable_dtype == "float64" else "float32"

    def _folded(self) -> tuple[Any, Any]:
        """Effective kernel and bias (or `None`) in the compute dtype."""
        constraints = (self._kernel_option("constraint"), self.bias_constraint)
        kernel, bias = (
            None if weight is None else ops.cast(self._constrained(weight, c), self.compute_dtype)
            for weight, c in zip(self._fold_now(), constraints, strict=True)
        )
        return kernel, bias

    # Merging

    def merge(self) -> keras.layers.Layer:
        """The plain Keras layer with the effective kernel and bias.

        They are computed in float64 and cast once. This layer is left as it is.

        Returns:
            A built layer of the plain class, of the same name.

        Raises:
            ValueError: If the layer is not built, or holds NaN or infinite values.
        """
        if not self.built:
            raise ValueError(
                f"Layer '{self.name}' has no weights yet. Build it, or call it on data, before "
                "merging."
            )
        kernel, bias = self.merged_weights()
        plain = self.plain_class.from_config(self.merged_config(self.get_config()))
        plain.build(self.get_build_config()["input_shape"])
        getattr(plain, "_kernel", plain.kernel).assign(kernel)
        if bias is not None:
            plain.bias.assign(bias)
        return plain

    def check_finite(self, path: str | None = None) -> None:
        """Raises a `ValueError` naming the layer if one of its weights holds NaN or infinity."""
        for variable in self._own_weights().values():
            values = ops.convert_to_numpy(variable.value).astype("float64")
            if not np.isfinite(values).all():
                raise ValueError(
                    f"Layer '{path or self.name}' cannot be merged: {variable.name} holds "
                    f"{int((~np.isfinite(values)).sum())} values that are NaN or infinite. "
                    "Training has diverged: go back to an earlier checkpoint."
                )

    def merged_weights(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Kernel and bias (or `None`) of the plain layer: computed in float64, rounded once.

        A quantizer's codes are those of training, which decides by the latent kernel that it
        folds; times the scale in float64 they give one value for each code of a channel.
        """
        self.check_finite()
        weights = {
            name: ops.convert_to_numpy(variable.value).astype("float64")
            for name, variable in self._own_weights().items()
        }
        kernel, bias = self.fold(weights, np)
        if self.kernel_quantizer is not None:
            codes, scale = self.codes_and_scale()
            kernel = self._from_channels_last(codes * scale, np)
        kernel = self._without_pruned(kernel, weights, np)
        kernel = self._cast_once(kernel, self._kernel_option("constraint"))
        self._check_levels(kernel)
        return kernel, None if bias is None else self._cast_once(bias, self.bias_constraint)

    def codes_and_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """The quantizer's integer codes, channels last, and its scale a channel in float64."""
        assert self.kernel_quantizer is not None
        kernel = ops.convert_to_numpy(self._channels_last(self._latent_kernel(), ops))
        weights = {name: ops.convert_to_numpy(x) for name, x in self._cast_weights().items()}
        return self.kernel_quantizer.codes_and_scale(kernel, _of_quantizer(weights))

    def _check_levels(self, kernel: np.ndarray) -> None:
        """A constraint may move values off the quantizer's grid."""
        if self.kernel_quantizer is None or self._kernel_option("constraint") is None:
            return
        channels = self._channels_last(np.asarray(kernel, "float64"), np)
        ordered = np.sort(channels.reshape(-1, channels.shape[-1]), axis=0)
        levels = 1 + int((np.diff(ordered, axis=0) != 0).sum(axis=0).max(initial=0))
        if levels > self.kernel_quantizer.levels:
            raise ValueError(
                f"Layer '{self.name}' has a kernel constraint that leaves {levels} values in a "
                f"channel, where {self.kernel_quantizer!r} has {self.kernel_quantizer.levels}. "
                "Quantize a layer without it, or with one that scales whole channels."
            )

    def _cast_once(self, exact: np.ndarray, constraint: Any | None) -> np.ndarray:
        if constraint is not None:
            exact = ops.convert_to_numpy(constraint(ops.convert_to_tensor(exact, self._fold_dtype)))
        return exact.astype(self._numpy_dtype)

    @property
    def _numpy_dtype(self) -> Any:
        return ml_dtypes.bfloat16 if self.variable_dtype == "bfloat16" else self.variable_dtype

    @property
    def plain_kernel_shape(self) -> tuple[int, ...]:
        """Shape of the kernel that the merged layer has."""
        return self._plain_kernel_shape

    # Saving

    def _own_weights(self) -> dict[str, Any]:
        return {**self._own, **({} if self._bias is None else {"bias": self._bias})}

    def save_own_variables(self, store: Any) -> None:
        if not self.built:
            return
        merged = MERGED_WEIGHTS.get()
        if merged is None:
            for name, variable in self._own_weights().items():
                store[name] = variable
            return
        kernel, bias = merged[id(self)]
        store["0"] = kernel
        if bias is not None:
            store["1"] = bias

    def load_own_variables(self, store: Any) -> None:
        """Loads the own weights, or a plain layer's, from which they are then made anew."""
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
        plain = [with_bias] if self._has_bias else [kernel_alone]
        if self._has_bias and self._bias is None:
            # The plain layer has a bias only once the method gave it one.
            plain.append(kernel_alone)
        if sorted(names) not in plain:
            raise ValueError(
                f"Layer '{self.name}' expected the weights {sorted(own)} or a plain layer's "
                f"{plain[0]}. Received: {sorted(names)}. Expand the model with the "
                f"{self._options_in_words} that the checkpoint was made with."
            )
        self._load_plain(*(np.asarray(store[name]) for name in sorted(names)))

    def _load_plain(self, kernel: np.ndarray, bias: np.ndarray | None = None) -> None:
        expected = self.plain_kernel_shape
        if tuple(kernel.shape) != expected:
            raise ValueError(
                f"Layer '{self.name}' expected a plain kernel of shape {expected}. "
                f"Received: shape {tuple(kernel.shape)}."
            )
        start = self._start_from_plain(kernel, bias)
        if self._bias is not None:
            start["bias"] = bias
        own = self._own_weights()
        for name, value in start.items():
            own[name].assign(value)

    def _check_shapes(self, store: Any, own: dict[str, Any]) -> None:
        for name, variable in own.items():
            if tuple(store[name].shape) != tuple(variable.shape):
                raise ValueError(
                    f"Layer '{self.name}' expected {name} of shape {tuple(variable.shape)}. "
                    f"Received: shape {tuple(store[name].shape)}. Expand the model with the "
                    f"{self._options_in_words} that the checkpoint was made with."
                )

    def get_config(self) -> dict[str, Any]:
        asked = CONFIGS_ASKED.get()
        if asked is not None:
            asked.add(id(self))
        options = self._options()
        if self.pruning is not None:
            options["pruning"] = self.pruning
        return {**super().get_config(), **keras.saving.serialize_keras_object(options)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = {**config}
        pruning = Pruning.of(config.pop("pruning", None))
        layer = super().from_config(config)
        layer.pruning = pruning
        return layer

    # What only a merged layer can do

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Not available in training form: merge first."""
        raise ValueError(
            f"LoRA needs one kernel, but layer '{self.name}' is in training form "
            f"({self.method_class.name}). Call `keras_reparam.merge(model)` (or `layer.merge()`) "
            "first."
        )

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Not available in training form: merge first."""
        raise ValueError(
            f"Quantization needs one kernel, but layer '{self.name}' is in training form "
            f"({self.method_class.name}). Call `keras_reparam.merge(model)` (or `layer.merge()`) "
            "first. If this was `model.quantize`, layers before this one are quantized already: "
            "load the model again."
        )

    def __repr__(self) -> str:
        options = {name: value for name, value in self._options().items() if value is not None}
        described = "".join(f", {name}={value}" for name, value in options.items())
        return f"<{type(self).__qualname__} name={self.name}{described}, built={self.built}>"


def _of_quantizer(weights: dict[str, Any]) -> dict[str, Any]:
    """The quantizer's variables among a layer's own weights, by its names for them."""
    return {
        name.removeprefix(_OF_QUANTIZER): value
        for name, value in weights.items()
        if name.startswith(_OF_QUANTIZER)
    }
