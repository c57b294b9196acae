"""Weights of the reference implementation of SpeechFormer."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_reparam.models.speechformer import SpeechFormer

Targets = dict[str, tuple[Any, bool]]


def load_reference_state(model: SpeechFormer, state: Mapping[str, Any]) -> None:
    """Loads a state dict of the reference implementation into a light SpeechFormer.

    The model then gives the logits of the reference. All arrays are checked before the first
    one is assigned.

    Args:
        model: `SpeechFormer` of the same architecture, without `units`, not expanded.
        state: Arrays or PyTorch tensors by name, such as `layers.0.layers.0.fc1.weight`. A
            prefix `module.`, of PyTorch's data-parallel training, is dropped.

    Raises:
        TypeError: If `model` is not a SpeechFormer.
        ValueError: If the model has no such counterpart, or names or shapes do not match.

    Example:

    >>> import keras_reparam as kr
    >>> model = kr.models.SpeechFormer(num_classes=4, num_mels=16, num_heads=2)
    >>> kr.models.load_reference_state(model, {})
    Traceback (most recent call last):
    ...
    ValueError: `state` must hold all of the model's weights. Missing: classifier.0.bias, ...

    Reference:
        https://github.com/HappyColor/SpeechFormer, model/speechformer.py.
    """
    if not isinstance(model, SpeechFormer):
        raise TypeError(
            "`model` must be a `keras_reparam.models.SpeechFormer`. "
            f"Received: {model!r} of type {type(model)}"
        )
    targets = _targets(model)
    arrays = {key.removeprefix("module."): _array(value) for key, value in state.items()}
    if missing := sorted(targets.keys() - arrays.keys()):
        raise ValueError(
            f"`state` must hold all of the model's weights. Missing: {_some(missing)}. "
            f"Received: {len(arrays)} arrays"
        )
    if unknown := sorted(arrays.keys() - targets.keys()):
        raise ValueError(
            "`state` must fit the model's architecture: its layers, heads and classes. "
            f"Received: arrays without a counterpart, {_some(unknown)}"
        )
    values = {
        key: _value(key, arrays[key], variable, kernel)
        for key, (variable, kernel) in targets.items()
    }
    for key, (variable, _) in targets.items():
        variable.assign(values[key])


def _targets(model: SpeechFormer) -> Targets:
    """The model's variables by the reference's names, and whether each is a kernel."""
    if model.units is not None or model.positions != "table":
        raise ValueError(
            "The reference has a table of positions, and no linear layer before its first stage: "
            'create the model with `units=None, positions="table"`. '
            f"Received: units={model.units}, positions={model.positions!r}"
        )
    targets: Targets = {}
    for i in range(4):
        stage, prefix = model.get_layer(f"stage_{i + 1}"), f"layers.{2 * i}"
        if i == 0:
            targets[f"{prefix}.position"] = (stage.table, False)
        targets |= _norm(f"{prefix}.input_norm", stage.norm)
        for j, layer in enumerate(stage.encoder_layers):
            inner = f"{prefix}.layers.{j}"
            targets |= _linear(f"{inner}.attention.project_qkv", layer.attention.qkv)
            targets |= _linear(f"{inner}.attention.project_out", layer.attention.output_projection)
            targets |= _norm(f"{inner}.attention_layer_norm", layer.attention_norm)
            targets |= _linear(f"{inner}.fc1", layer.fc1)
            targets |= _linear(f"{inner}.fc2", layer.fc2)
            targets |= _norm(f"{inner}.final_layer_norm", layer.feed_forward_norm)
        if i < 3:
            merge, prefix = model.get_layer(f"merge_{i + 1}"), f"layers.{2 * i + 1}"
            targets |= _linear(f"{prefix}.fc", merge.projection)
            targets |= _norm(f"{prefix}.norm", merge.norm)
    for i, name in enumerate(("head_1", "head_2", "classifier")):
        targets |= _linear(f"classifier.{3 * i}", model.get_layer(name))
    return targets


def _linear(prefix: str, layer: keras.layers.Layer) -> Targets:
    if type(layer) is not keras.layers.Dense:
        raise ValueError(
            "Load the reference's weights into the light model, then expand it. "
            f"Received: layer '{layer.name}' of type {type(layer).__name__}"
        )
    return {f"{prefix}.weight": (layer.kernel, True), f"{prefix}.bias": (layer.bias, False)}


def _norm(prefix: str, layer: keras.layers.LayerNormalization) -> Targets:
    return {f"{prefix}.weight": (layer.gamma, False), f"{prefix}.bias": (layer.beta, False)}


def _array(value: Any) -> np.ndarray:
    # PyTorch tensors on an accelerator, or with a gradient, are no arrays yet.
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return np.asarray(value)


def _value(key: str, array: np.ndarray, variable: Any, kernel: bool) -> np.ndarray:
    value, expected = array.T if kernel else array, tuple(variable.shape)
    if key.endswith(".position") and array.ndim == 2 and len(array) >= expected[0]:
        value = array[: expected[0]]
    if value.shape != expected:
        wanted = expected[::-1] if kernel else expected
        raise ValueError(
            f"`state['{key}']` must have the shape {wanted}. Received: shape={array.shape}"
        )
    return value


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
