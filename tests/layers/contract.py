"""What every method must do: one row for each class of layers that a method trains.

A new method adds its rows to `ROWS`; `test_contract.py` runs them.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import keras_reparam as kr
from tests.layers.helpers import random


@dataclasses.dataclass(frozen=True)
class Row:
    """A plain layer with a shape that it takes, and the method that is to train it."""

    method: kr.layers.ReparamConfig
    plain: Callable[..., keras.layers.Layer]
    shape: tuple[int, ...]
    # What the plain class calls the options of its kernel.
    kernel: str = "kernel"
    # Groups of inputs that may go.
    pruning: kr.pruning.Pruning | None = None

    def make_plain(self, **options):
        """A built plain layer with weights that are nowhere special."""
        layer = self.plain(name="layer", **options)
        layer.build(self.shape)
        for seed, variable in enumerate(layer.weights):
            variable.assign(0.5 * random(variable.shape, seed=seed))
        return layer

    @property
    def training_class(self):
        return self.method.training_classes[type(self.plain())]

    def make(self, **options):
        """The same layer in training form, with the same function at inference."""
        layer = self.make_plain(**options)
        method = self.method.at(layer, [])
        assert method.obstacle(layer) == ""
        self.training_class.adopt(layer, method)
        if self.pruning is not None:
            layer.prune_kernel(self.pruning)
        return layer

    def expected(self, plain):
        """A plain layer with the function of the one in training form that is made of it."""
        if self.quantizer is None:
            return plain
        on_grid = type(plain).from_config(plain.get_config())
        on_grid.build(self.shape)
        kernel, *bias = [keras.ops.convert_to_numpy(v) for v in plain.weights]
        matrix = kernel.reshape(-1, self.channels(kernel))
        start = self.quantizer.start(keras.ops.convert_to_tensor(matrix))
        start = {name: keras.ops.convert_to_numpy(value) for name, value in start.items()}
        codes, scale = self.quantizer.codes_and_scale(matrix, start)
        on_grid.set_weights([(codes * scale).reshape(kernel.shape), *bias])
        return on_grid

    def channels(self, kernel):
        """How many outputs a kernel has, its last axes."""
        return kernel[0].size if self.plain is _einsum else kernel.shape[-1]

    @property
    def quantizer(self):
        return getattr(self.method, "kernel_quantizer", None)

    def put_in_training(self, model):
        """The model with its layer in training form: expanded, quantized, or both."""
        if self.pruning is not None:
            # `kr.prune` takes groups of a whole network: tests/transforms/test_prune.py.
            return keras.Sequential([keras.Input(self.shape[1:]), self.make()])
        if self.quantizer is None:
            return kr.expand(model, self.method, filters="layer")
        if isinstance(self.method, kr.HRF):
            factors = dataclasses.replace(self.method, kernel_quantizer=None)
            model = kr.expand(model, factors, filters="layer")
        return kr.quantize_aware(model, self.quantizer, filters="layer")

    @property
    def x(self):
        return random(self.shape, seed=11)


def _dense(**options):
    return keras.layers.Dense(6, activation="tanh", **options)


def _einsum(**options):
    return keras.layers.EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de", **options)


def _conv(**options):
    return keras.layers.Conv1D(4, 3, padding="same", **options)


def _causal(**options):
    return keras.layers.Conv1D(6, 4, padding="causal", strides=2, groups=2, **options)


def _depthwise(**options):
    return keras.layers.DepthwiseConv1D(5, padding="same", activation="relu", **options)


def _without_bias(**options):
    return keras.layers.DepthwiseConv2D((3, 1), padding="same", use_bias=False, **options)


def _quantized(name):
    return kr.layers.Quantized(kernel_quantizer=name)


HRF, BRANCHES = kr.HRF(expansion=2), kr.Branches()
PRUNING = kr.pruning.Pruning(groups=3, block=1, steps=((1, 0.1), (3, 0.2)), budget=0.15)
SHIFTED = kr.quantizers.DualLearnableTernary(shift=True)
ROWS = {
    "HRF, Dense": Row(HRF, _dense, (4, 5, 3)),
    "HRF, chained": Row(kr.HRF(expansion=2, folded=False), _dense, (4, 5, 3)),
    "HRF, one factor": Row(kr.HRF(factors=3, frozen_factors=True), _dense, (4, 5, 3)),
    "HRF, EinsumDense": Row(HRF, _einsum, (4, 5, 3)),
    "HRF, Conv1D": Row(HRF, _conv, (4, 9, 4)),
    "branches, Conv1D": Row(BRANCHES, _conv, (4, 9, 4)),
    "branches, causal": Row(BRANCHES, _causal, (4, 9, 4)),
    "branches, depthwise": Row(BRANCHES, _depthwise, (4, 9, 4), kernel="depthwise"),
    "branches, no bias": Row(BRANCHES, _without_bias, (4, 9, 1, 4), kernel="depthwise"),
    "ternary, Dense": Row(_quantized("ternary"), _dense, (4, 5, 3)),
    "soft threshold, EinsumDense": Row(_quantized("soft_threshold_ternary"), _einsum, (4, 5, 3)),
    "sign, Conv1D": Row(_quantized("scaled_sign"), _causal, (4, 9, 4)),
    "int4, Dense": Row(_quantized("int4"), _dense, (4, 5, 3)),
    "HRF and soft threshold, Dense": Row(
        kr.HRF(expansion=2, kernel_quantizer="soft_threshold_ternary"), _dense, (4, 5, 3)
    ),
    "HRF and shift, EinsumDense": Row(
        kr.HRF(expansion=2, kernel_quantizer=SHIFTED), _einsum, (4, 5, 3)
    ),
    "pruned, Dense": Row(kr.layers.Pruned(), _dense, (4, 5, 3), pruning=PRUNING),
    "pruned and sign, Dense": Row(
        kr.layers.Pruned(kernel_quantizer="scaled_sign"), _dense, (4, 5, 3), pruning=PRUNING
    ),
    "HRF and pruned, Dense": Row(HRF, _dense, (4, 5, 3), pruning=PRUNING),
    "HRF and ternary, Conv1D": Row(
        kr.HRF(expansion=2, kernel_quantizer="ternary"), _causal, (4, 9, 4)
    ),
}


def trained(layer, x):
    """The layer after some calls in training and with other weights: statistics are not 0 and 1."""
    for _ in range(3):
        layer(x, **({"training": True} if takes_training(layer) else {}))
    rng = np.random.default_rng(5)
    for variable in layer.trainable_weights:
        variable.assign(variable + 0.2 * rng.standard_normal(variable.shape))
    return layer


def takes_training(layer):
    return layer._call_has_training_arg
