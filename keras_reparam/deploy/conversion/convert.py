"""Keras model to a float `.tflite`: one signature, batch 1, builtin operators, head at the end.

Run as a program, it converts a saved model in a process of its own: what export does where Keras
runs on JAX, whose process has no TensorFlow.
"""

import argparse
import contextlib
import contextvars
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from keras_reparam._utils.child_process import python_path
from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.quiet import quiet
from keras_reparam.deploy.conversion.float_model import FloatModel
from keras_reparam.deploy.conversion.front_end import front_end_tensors
from keras_reparam.deploy.conversion.one_output import call, file_shape
from keras_reparam.deploy.tflite.kinds import HEADS
from keras_reparam.deploy.tflite.tensor_names import shorten_names
from keras_reparam.deploy.tflite.tflite_buffers import unpack_model
from keras_reparam.transforms.rebuild import copy_weights, rebuild
from keras_reparam.transforms.settings import copy_settings

# Of Keras, by the heads' names.
_ACTIVATIONS = {head: getattr(keras.activations, head) for head in HEADS}
SIGNATURE, INPUT, OUTPUT = "serving_default", "input", "scores"
# What was converted so far, with the models, whose ids are the keys.
_kept: contextvars.ContextVar[dict[Any, tuple[keras.Model, FloatModel]] | None] = (
    contextvars.ContextVar("converted_once", default=None)
)


@contextlib.contextmanager
def converted_once() -> Iterator[None]:
    """Within it a model is converted once for files of all kinds: it must stay as it is."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def convert(
    model: keras.Model, shape: tuple[int, ...] | None = None, head: str = "softmax"
) -> FloatModel:
    """A float32 `.tflite` that gives the softmax, or sigmoid, of the model's logits.

    Args:
        model: A built model with one input and one output of shape `(batch, classes)`.
        shape: Shape of the file's input without the batch axis. `None`: the model's own, which
            must be static then; a waveform `(samples, 1)` is `(samples,)` in the file.
        head: One of `keras_reparam.deploy.tflite.heads.HEADS`.

    Returns:
        A `FloatModel`, of the same bytes for the same model.

    Raises:
        ValueError: If the model needs operators that TFLite does not have, or Keras runs on
            a backend that can't export.
    """
    taken = file_shape(model) if shape is None else tuple(shape)
    kept, key = _kept.get(), (id(model), taken, head)
    if kept is None:
        return _converted(model, taken, head)
    if key not in kept:
        kept[key] = model, _converted(model, taken, head)
    return kept[key][1]


def _converted(model: keras.Model, taken: tuple[int | None, ...], head: str) -> FloatModel:
    model = _in_float32(model)
    backend = keras.config.backend()
    if backend == "tensorflow":
        return _convert_here(model, taken, head)
    if backend == "jax":
        return _convert_in_child(model, taken, head)
    raise ValueError(
        "Export to .tflite needs Keras on the TensorFlow or JAX backend. Save the model with "
        "`model.save('model.keras')` and export it in a process with KERAS_BACKEND=tensorflow, "
        f"for instance with the command `keras-reparam export`. Received: backend={backend!r}"
    )


def _in_float32(model: keras.Model) -> keras.Model:
    """The model, or a copy that computes in float32: TFLite's CPU kernels know nothing else."""
    if all(layer.compute_dtype == "float32" for layer in model._flatten_layers()):
        return model
    copy = rebuild(model, edit=_float32_config, policy="float32")
    copy_weights(model, copy)
    copy_settings(model, copy)
    return copy


def _float32_config(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return type(config)(map(_float32_config, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {"name": "float32"}}
    return {key: _float32_config(value) for key, value in config.items()}


def _convert_here(model: keras.Model, shape: tuple[int | None, ...], head: str) -> FloatModel:
    with quiet():
        import tensorflow as tf
        from tensorflow.lite.python.convert_phase import ConverterError

        module = tf.Module()
        variables = [variable.value for variable in model.variables]
        module.variables_of_model = variables  # pyright: ignore[reportAttributeAccessIssue]

        # Autograph would rewrite the layers' Python, which Keras has no need of.
        @tf.function(
            input_signature=[tf.TensorSpec((1, *shape), tf.float32, name=INPUT)],
            autograph=False,
        )
        def serve(inputs):
            logits = tf.cast(call(model, inputs), tf.float32)
            return {OUTPUT: _ACTIVATIONS[head](logits)}

        module.serve = serve  # pyright: ignore[reportAttributeAccessIssue]
        with tempfile.TemporaryDirectory() as folder:
            signatures = {SIGNATURE: serve.get_concrete_function()}
            tf.saved_model.save(module, folder, signatures=signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            # Without this the converter adds TensorFlow's own operators (Flex) silently.
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            try:
                packed = unpack_model(converter.convert())
            except ConverterError as error:
                raise _conversion_error(str(error)) from None
    layers = model._flatten_layers()
    shorten_names(
        packed,
        front_end=front_end_tensors(packed, model),
        layers={layer.name for layer in layers},
        models={layer.name for layer in layers if isinstance(layer, keras.Model)},
    )
    return FloatModel(packed)


def _conversion_error(message: str) -> ValueError:
    """The converter's pages of MLIR as one sentence with the operators' names."""
    names = set(re.findall(r"\btf\.(\w+)", message)) - {"Const", "VarHandleOp", "entry_function"}
    found = ", ".join(sorted(names)) or message.strip().splitlines()[0]
    return ValueError(
        "The model can't be a .tflite of builtin operators. Replace the layers that make these "
        f"TensorFlow operators, or give them static shapes: {found}"
    )


def _convert_in_child(model: keras.Model, shape: tuple[int | None, ...], head: str) -> FloatModel:
    environment = {
        **os.environ,
        # Layers of the caller's own are importable there if they are here.
        "PYTHONPATH": python_path(),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # JAX holds the accelerator's memory; a conversion needs none.
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    with tempfile.TemporaryDirectory() as folder:
        saved, converted = Path(folder) / "model.keras", Path(folder) / "model.tflite"
        with quiet():
            # Keras imports TensorFlow for this, where it is installed.
            model.save(saved)
        child = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "keras_reparam.deploy.conversion.convert",
                    saved,
                    converted,
                ),
                *map(str, shape),
                *("--head", head),
            ],
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if child.returncode != 0:
            lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
            raise ValueError(
                "The process that converts the saved model with TensorFlow failed; layers of your "
                "own must be registered in a module that it can import, not in the main program. "
                f"It said: {lines[-1]}"
            )
        return FloatModel.of(converted.read_bytes())


def _main() -> int:
    parser = argparse.ArgumentParser(description="Convert a saved Keras model to a float .tflite.")
    parser.add_argument("saved", type=Path)
    parser.add_argument("converted", type=Path)
    parser.add_argument("shape", type=int, nargs="+", help="of the input, without the batch axis")
    parser.add_argument("--head", choices=HEADS, required=True)
    arguments = parser.parse_args()
    # Here, since only this program reads files.
    from keras_reparam.deploy.conversion.saved_model import load_model

    # The caller saved this file a moment ago: what runs is the caller's own code.
    model = load_model(arguments.saved, safe_mode=False)
    made = convert(model, tuple(arguments.shape), head=arguments.head)
    write_bytes(arguments.converted, made.content)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
