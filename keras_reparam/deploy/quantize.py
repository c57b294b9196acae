"""A float `.tflite` to kind `int8`: static quantisation, operator by operator."""

import re
from collections.abc import Sequence

import numpy as np

from keras_reparam.deploy.convert import INPUT, SIGNATURE
from keras_reparam.deploy.quiet import quiet
from keras_reparam.deploy.tflite_graph import Operator, TFLiteGraph

# The operators whose int8 kernels pay. An ADD or BATCH_MATMUL in int8 costs more conversions than
# it saves time (measured: BATCH_MATMUL makes a small transformer 1.4x slower, ADD changes nothing).
_STATIC = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
# A convolution over fewer channels than this (an image's, a spectrogram's first one) has hardly
# any weights, is no faster in int8, and slower on a CPU without int8 dot products.
_MIN_CHANNELS = 4


def quantize_int8(model: bytes, data: Sequence[np.ndarray]) -> bytes:
    """The model with int8 linear layers and convolutions, calibrated on `data`.

    Weights are int8 per output channel, activations int8 with the range that `data` shows. The
    front end (what the first logarithm depends on), normalisation, attention's products and the
    softmax stay float32. The last linear layer has int8 weights and float32 logits, since their
    rounding would be the coarsest of all.

    Args:
        model: Bytes of a float32 `.tflite` with one signature.
        data: Inputs of the model, without the batch axis.

    Returns:
        Bytes of the quantised `.tflite`.

    Raises:
        ValueError: If the model has nothing to quantise.
    """
    with quiet() as screen:
        from litert_quantizer import calibrator, qtyping, recipe_manager
        from litert_quantizer.quantizer import Quantizer
        from litert_quantizer.utils import qsv_utils
        from rich.console import Console
        from rich.progress import track

        graph = TFLiteGraph(model)
        chosen = [graph.operators[i] for i in sorted(graph.backbone) if _pays(graph, i)]
        if not chosen:
            raise ValueError(
                "The model has no linear layer or convolution to quantise. Export it with "
                'quantization="float32".'
            )
        recipe = recipe_manager.RecipeManager()
        for operator in chosen:
            # An operator is named by its first output; several outputs would be joined by ";".
            regex = f"^{re.escape(graph.tensors[operator.outputs[0]].name)};?$"
            kind = qtyping.TFLOperationName[operator.name]
            if _gives_logits(graph, operator):
                recipe.add_dynamic_config(regex, kind, num_bits=8)
            else:
                recipe.add_static_config(regex, kind, activation_num_bits=8, weight_num_bits=8)
        # The true range over all clips. The quantizer's default, a moving average that weighs the
        # first clip most, gave four to five times the error on speech.
        calibration = calibrator.Calibrator(
            model, num_threads=1, qsv_update_func=qsv_utils.min_max_update
        )
        console = Console(file=screen)
        for clip in track(
            data, "Calibrating", console=console, transient=True, disable=not screen.isatty()
        ):
            calibration.calibrate({SIGNATURE: [{INPUT: clip[None]}]}, recipe)
        quantizer = Quantizer(bytearray(model), recipe.get_quantization_recipe())
        result = quantizer.quantize(
            calibration.get_model_qsvs(), enable_progress_bar=False, enable_progress_report=False
        )
        return bytes(result.quantized_model)


def _pays(graph: TFLiteGraph, index: int) -> bool:
    operator = graph.operators[index]
    if operator.name not in _STATIC or not graph.is_constant(operator.inputs[1]):
        return False
    kernel = graph.tensors[operator.inputs[1]].shape
    return operator.name != "CONV_2D" or kernel[-1] >= _MIN_CHANNELS


def _gives_logits(graph: TFLiteGraph, operator: Operator) -> bool:
    softmax = graph.operators[graph.producer[graph.outputs[0]]]
    return operator.name == "FULLY_CONNECTED" and softmax.inputs[0] in operator.outputs
