"""A float `.tflite` to another quantization kind."""

import contextlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam._utils.quiet import quiet
from keras_reparam.deploy.conversion.compaction import compact
from keras_reparam.deploy.conversion.constant_storage import constant_values, store_constants
from keras_reparam.deploy.conversion.convert import INPUT, SIGNATURE
from keras_reparam.deploy.conversion.exact_ternary import store_ternary
from keras_reparam.deploy.conversion.float_model import FloatModel
from keras_reparam.deploy.conversion.float_operators import float_operators
from keras_reparam.deploy.conversion.tables import is_table, projected_tensors, table_storage
from keras_reparam.deploy.tflite.kernel_versions import set_versions
from keras_reparam.deploy.tflite.kinds import INTEGER_KINDS
from keras_reparam.deploy.tflite.tflite_buffers import unpack_model
from keras_reparam.deploy.tflite.tflite_graph import Operator, TFLiteGraph

# The operators that hold the weights, and whose int8 kernels pay. An ADD or BATCH_MATMUL in int8
# costs more conversions than it saves time (measured: BATCH_MATMUL makes a small transformer 1.4x
# slower, ADD changes nothing).
_LINEAR = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
_ON_THE_FLY = ("int8_dynamic", "int4_dynamic")
# On the fly there is no fast kernel for a depthwise convolution (measured: 1.5x slower).
_DYNAMIC = ("FULLY_CONNECTED", "CONV_2D")
_PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL")
# A convolution over fewer channels than this (an image's, a spectrogram's first one) has hardly
# any weights, is no faster in int8, and slower on a CPU without int8 dot products.
_MIN_CHANNELS = 4
# Numbers of a front end that are not worth a byte less.
_FEW = 4096
# Forms of a stored constant, the most exact one last; `None` leaves it as it is.
_EXACTNESS = ("int8", "int16", "float16", None)


def quantize(
    model: FloatModel,
    kind: str,
    data: Sequence[np.ndarray] = (),
    *,
    sub_byte: str | None = None,
) -> schema.ModelT:
    """The model as one of `keras_reparam.deploy.tflite.kinds.KINDS`.

    Args:
        model: The float32 model, which stays as it is.
        kind: The kind.
        data: Inputs of the model, without the batch axis, for the kinds that are calibrated.
        sub_byte: `"int2"`: 2 bits a weight in linear layers of at most three values a channel.

    Returns:
        The model's objects, ready to be packed, without what no runtime reads.

    Raises:
        ValueError: If the model has nothing to quantize.
    """
    packed, graph = model.copy(), model.graph
    if kind in INTEGER_KINDS:
        content = _quantized(model, kind, data)
        packed, graph = unpack_model(content), TFLiteGraph(content)
        store_ternary(packed, graph, model, sub_byte)
    if kind in _ON_THE_FLY:
        _quantize_asymmetrically(packed)
    if kind == "int8_full":
        _quantize_unread(packed)
    if kind != "float32":
        store_constants(packed, _storage(graph, packed, kind))
        set_versions(packed)
    compact(packed, quantized=kind != "float32")
    return packed


def _recipe(graph: TFLiteGraph, kind: str, kept_float: Iterable[Operator] = ()):
    """What litert-quantizer shall do, operator by operator.

    In kind `int8` the last linear layer has int8 weights and float logits, since their rounding
    would be the coarsest of all.
    """
    with quiet():
        from litert_quantizer import qtyping, recipe_manager

    recipe = recipe_manager.RecipeManager()
    name_of = qtyping.TFLOperationName
    if kind == "int8_full":
        recipe.add_static_config(
            ".*", name_of.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8
        )
        for operator in kept_float:
            # Where it knows no int8 kernel, it leaves the operator float anyway.
            if operator.name in name_of.__members__:
                recipe.add_quantization_config(
                    _scope(graph, operator), name_of[operator.name], algorithm_key="no_quantize"
                )
        return recipe
    for operator in _chosen(graph, _DYNAMIC if kind in _ON_THE_FLY else _LINEAR):
        scope = _scope(graph, operator), name_of[operator.name]
        if kind == "int4_dynamic" and _fits_int4(graph, operator):
            recipe.add_dynamic_config(*scope, num_bits=4)
        elif kind in _ON_THE_FLY or _gives_logits(graph, operator):
            recipe.add_dynamic_config(*scope, num_bits=8)
        else:
            recipe.add_static_config(*scope, activation_num_bits=8, weight_num_bits=8)
            if (padding := _padding(graph, operator)) is not None:
                scope = _scope(graph, padding), name_of.PAD
                recipe.add_static_config(*scope, activation_num_bits=8, weight_num_bits=8)
    return recipe


def _quantized(model: FloatModel, kind: str, data: Sequence[np.ndarray]) -> bytes:
    """What litert-quantizer makes of it, which takes and gives bytes."""
    graph = model.graph
    recipe = _recipe(graph, kind)
    with quiet() as screen:
        from litert_quantizer import calibrator
        from litert_quantizer.quantizer import Quantizer
        from litert_quantizer.utils import qsv_utils
        from rich.console import Console
        from rich.progress import track

        # The true range over all clips. The quantizer's default, a moving average that weighs the
        # first clip most, gave four to five times the error on speech.
        # LiteRT keeps them itself: asking it for every tensor took three times as long.
        calibration = calibrator.Calibrator(
            model.content,
            num_threads=1,
            qsv_update_func=qsv_utils.min_max_update,
            mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
        console = Console(file=screen)
        for clip in track(
            data, "Calibrating", console=console, transient=True, disable=not screen.isatty()
        ):
            # It has a progress bar of its own for every clip.
            with contextlib.redirect_stderr(io.StringIO()):
                calibration.calibrate({SIGNATURE: [{INPUT: clip[None]}]}, recipe)
        ranges = calibration.get_model_qsvs()
        if kind == "int8_full":
            recipe = _recipe(graph, kind, float_operators(graph, model.packed, ranges))
        quantizer = Quantizer(bytearray(model.content), recipe.get_quantization_recipe())
        result = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
        return bytes(result.quantized_model)


def _chosen(graph: TFLiteGraph, names: Sequence[str]) -> list[Operator]:
    chosen = [
        graph.operators[i] for i in sorted(graph.backbone) if _pays(graph, graph.operators[i])
    ]
    chosen = [operator for operator in chosen if operator.name in names]
    if not chosen:
        raise ValueError(
            "The model has no linear layer or convolution to quantize. Export it with "
            'quantization="float32".'
        )
    return chosen


def _pays(graph: TFLiteGraph, operator: Operator) -> bool:
    if operator.name not in _LINEAR or not graph.is_constant(operator.inputs[1]):
        return False
    kernel = graph.tensors[operator.inputs[1]].shape
    return operator.name != "CONV_2D" or kernel[-1] >= _MIN_CHANNELS


def _fits_int4(graph: TFLiteGraph, operator: Operator) -> bool:
    """Two weights a byte: a row of an odd number would end in the middle of one."""
    return (
        operator.name == "FULLY_CONNECTED" and graph.tensors[operator.inputs[1]].shape[-1] % 2 == 0
    )


def _padding(graph: TFLiteGraph, operator: Operator) -> Operator | None:
    """What pads the operator's input: left in float, it would be copied a second time."""
    index = graph.producer.get(operator.inputs[0])
    padding = None if index is None else graph.operators[index]
    return padding if padding is not None and padding.name == "PAD" else None


def _scope(graph: TFLiteGraph, operator: Operator) -> str:
    # An operator is named by its first output; several outputs would be joined by ";".
    return f"^{re.escape(graph.tensors[operator.outputs[0]].name)};?$"


def _gives_logits(graph: TFLiteGraph, operator: Operator) -> bool:
    head = graph.operators[graph.producer[graph.outputs[0]]]
    # Where the head is linear, they are the output.
    given = {head.inputs[0], graph.outputs[0]}
    return operator.name == "FULLY_CONNECTED" and bool(given.intersection(operator.outputs))


def _quantize_unread(packed: schema.ModelT) -> None:
    """Gives results that nobody reads the type and scale of the operator's other results."""
    graph = packed.subgraphs[0]
    read = {t for operator in graph.operators for t in operator.inputs} | set(graph.outputs)
    for operator in graph.operators:
        made = [graph.tensors[t] for t in operator.outputs]
        int8 = [tensor for tensor in made if tensor.type == schema.TensorType.INT8]
        for index, tensor in zip(operator.outputs, made, strict=True):
            if int8 and index not in read and tensor.type == schema.TensorType.FLOAT32:
                tensor.type, tensor.quantization = int8[0].type, int8[0].quantization


def _quantize_asymmetrically(packed: schema.ModelT) -> None:
    """Lets the kernels use the whole range of int8 for what they quantize on the fly.

    It is more exact, and what makes all of them, XNNPACK's and the reference ones of every
    runtime, give the same scores.
    """
    for operator in packed.subgraphs[0].operators:
        options = operator.builtinOptions
        if isinstance(options, schema.FullyConnectedOptionsT):
            options.asymmetricQuantizeInputs = True


def _storage(graph: TFLiteGraph, packed: schema.ModelT, kind: str) -> dict[int, str]:
    """How float32 constants are stored: tensor index to dtype."""
    projected = projected_tensors(graph)
    found: dict[int, list[str | None]] = defaultdict(list)
    for index, operator in enumerate(graph.operators):
        for place, tensor in enumerate(operator.inputs):
            if not is_table(graph, tensor):
                continue
            if index in graph.front_end:
                dtype = _front_end_storage(operator, constant_values(packed, tensor), kind)
            elif operator.name in _LINEAR:
                dtype = "float16" if place == 1 else None
            else:
                raw = not projected.intersection(operator.inputs)
                dtype = table_storage(operator, constant_values(packed, tensor), raw=raw)
                dtype = "float16" if kind == "float16" and dtype == "int8" else dtype
            found[tensor].append(dtype)
    # Where several operators read it, the most exact of what they need.
    needed = {tensor: max(dtypes, key=_EXACTNESS.index) for tensor, dtypes in found.items()}
    return {tensor: dtype for tensor, dtype in needed.items() if dtype is not None}


def _front_end_storage(operator: Operator, values: np.ndarray, kind: str) -> str | None:
    """The dtype of a constant of the front end, or `None` if it stays float32.

    A band's value is a sum of what is never negative, so its relative error is that of the mel
    filters: float16 will do. The sums of the Fourier transform cancel: quiet bands would drown
    in the rounding of loud ones. With int16 that is 100 dB below them, as in 16 bit audio itself,
    and hardly anything beside int8 activations. A linear layer's few are left alone: of int16 the
    CPU delegate makes no constant weights, and the layer takes several times as long.
    """
    if operator.name not in _PRODUCTS:
        return None
    if values.min() >= 0:
        return "float16"
    if kind == "float16" or (operator.name == "FULLY_CONNECTED" and values.size <= _FEW):
        return None
    return "int16"
