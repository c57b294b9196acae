"""`export_tflite`: a Keras model becomes one `.tflite` file."""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_reparam._utils.files import checked_target, write_bytes
from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.convert import convert
from keras_reparam.deploy.conversion.exact_ternary import fits_int2
from keras_reparam.deploy.conversion.export_checks import (
    check_model,
    check_sub_byte,
    checked_classes,
    checked_data,
    checked_sample_rate,
    checked_shape,
    log_mels,
    refuse_foreign_operators,
)
from keras_reparam.deploy.conversion.export_report import ExportReport
from keras_reparam.deploy.conversion.float_model import FloatModel
from keras_reparam.deploy.conversion.probability_check import refuse_probabilities
from keras_reparam.deploy.conversion.quantize import quantize
from keras_reparam.deploy.inspection.inspect_model import inspect_read
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.heads import head_of
from keras_reparam.deploy.tflite.kernel_versions import sub_byte_runtime
from keras_reparam.deploy.tflite.kinds import CALIBRATED, INTEGER_KINDS, KINDS
from keras_reparam.deploy.tflite.linear_kernels import LinearKernel, linear_kernels
from keras_reparam.deploy.tflite.metadata import (
    TFLiteMetadata,
    checked_labels,
    pack_with_metadata,
)
from keras_reparam.deploy.tflite.tflite_file import INTEGERS
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from keras_reparam.deploy.tflite.weight_size import WEIGHT_DTYPES


def export_tflite(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    quantization: str = "int8",
    sub_byte: str | None = None,
    head: str = "softmax",
    unit: str = "",
    value_range: tuple[float, float] | None = None,
    representative_data: Iterable[np.ndarray] | None = None,
    labels: Sequence[str] | None = None,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    unsure_below: float = 0.0,
    name: str | None = None,
    description: str = "",
    version: str = "",
    author: str = "",
    license: str = "",
) -> ExportReport:
    """Writes `softmax(model(x))` as a `.tflite` of builtin operators with static shapes.

    With `head="sigmoid"` it is `sigmoid(model(x))`: one score that is yes or no, or several of
    which any number may be true. With `head="linear"` it is `model(x)`: values.

    Call it last, on a model that `keras_reparam.merge` returned. The model is left as it is.

    What the kinds of `quantization` store and compute:

    - `"float32"`: weights, activations, input and output float32.
    - `"float16"`: weights float16 (matrices and kernels; the Fourier transform's stay float32);
      activations, input and output float32.
    - `"int8_dynamic"`: weights of linear layers and convolutions int8, one scale per output
      channel; their activations quantized on the fly, anew for every input; all else, input and
      output float32. Needs no data.
    - `"int8"`: weights int8, one scale per output channel, and calibrated int8 activations in
      linear layers and convolutions where that pays; front end, normalisation, attention's
      products, softmax, input and output float32.
    - `"int8_full"`: weights int8, calibrated int8 activations in every operator that has an int8
      kernel, softmax too (but for a masked one); input and output int8, with their scales and zero
      points in the file.
      Features in: int8 samples of a waveform would hold no log-mel. It gets no mask.
    - `"int4_dynamic"`: as `"int8_dynamic"`, with weights of linear layers int4, two a byte; those
      of convolutions, and of layers with an odd number of inputs, stay int8. Needs no data, and
      the runtime 2.16.1.

    A kernel of at most three values a channel, {-a, 0, a} bit for bit, is found by its values and
    stored without error in every kind of integer weights: as -1, 0 and 1 with the scale a.

    The same model and data give the same bytes. Labels, sample rate and texts travel inside the
    file as TFLite metadata, which MediaPipe reads. Where Keras runs on JAX, a process of its own
    converts the saved model with TensorFlow.

    Args:
        model: Built model with one float input, static but for the batch (see `clip_seconds`),
            and logits `(batch, classes)`: waveform in (`keras_reparam.models.with_front_end`) or
            features in. A waveform `(batch, samples, 1)` is `(batch, samples)` in the file.
        path: The file to write, ending with `.tflite`. An existing one is replaced.
        quantization: The kind.
        sub_byte: `"int2"`: linear layers whose kernels hold at most three values a channel get 2
            bits a weight, in the kinds `"int8"`, `"int8_dynamic"` and `"int4_dynamic"`. The file
            then needs the runtime 2.21, which it says, newer than the one that Android apps get
            from Maven. Other layers, and those whose number of inputs is no multiple of 4, stay as
            the kind has them; the report's notes name them.
        head: What makes scores of the logits: `"softmax"` if one of two or more classes is true,
            `"sigmoid"`, or `"linear"` if they are values. It is written into the file for whoever
            reads it.
        unit: What values are in, as in `"years"`. Of a linear head alone, as the next one.
        value_range: Lowest and highest value that there are; needed. The file says so, and whoever
            shows a value shows it in this range. Nothing is clipped to it.
        representative_data: Inputs of the model without the batch axis: an array `(clips, ...)`
            or an iterable of arrays. Some hundred clips as the model will meet them; never those
            it is tested on. At most 200 are used, evenly spaced. `"int8"` and `"int8_full"` are
            calibrated on them; any kind is compared with float32 over them.
        labels: Class names in the order of the logits. A sigmoid of one logit has one, that of
            what is there from a score of 0.5 on. Of values: their names.
        sample_rate: Samples per second of a waveform model. `None`: that of its `LogMel` layer.
        clip_seconds: Length of a waveform model's input in seconds. A model of any length
            `(batch, None)` gets this one; any other model is checked to have it.
        unsure_below: An answer whose highest score is below it is unsure, as the file then says
            to whoever reads it. Choose it on clips of speakers that the model was neither trained
            nor tested on. 0: no answer is unsure. Of a softmax alone.
        name: Name of the model in the file. `None`: `model.name`.
        description: One or two sentences.
        version: Version of the model.
        author: Who made it.
        license: Terms of use.

    Returns:
        An `ExportReport`: path, size, operators, the runtime they need, bits a weight, layers of
        three values a channel, and how far the scores of the representative data are from the
        float32 ones. `print` it for a table.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not built, not merged, has dynamic shapes, non-finite weights
            or operators that TFLite does not have, or gives probabilities (on random input and
            on the data); or if head, data, labels or `unsure_below` don't
            fit it.
        OSError: If the file can't be written.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> inputs = keras.Input((20, 8))
    >>> x = keras.layers.Dense(16, activation="relu")(inputs)
    >>> x = keras.layers.GlobalAveragePooling1D()(x)
    >>> model = keras.Model(inputs, keras.layers.Dense(2)(x))
    >>> clips = np.random.default_rng(0).normal(size=(10, 20, 8)).astype("float32")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = kr.export_tflite(
    ...         model, folder + "/model.tflite", representative_data=clips, labels=["no", "yes"]
    ...     )
    >>> report.kind, report.metadata.labels, report.weights["int8"]
    ('int8', ('no', 'yes'), 160)
    """
    if quantization not in KINDS:
        raise ValueError(
            f"`quantization` must be one of {', '.join(map(repr, KINDS))}. "
            f"Received: quantization={quantization!r}"
        )
    check_sub_byte(sub_byte, quantization)
    target = checked_target(path, ".tflite")
    scoring = head_of(head, unit=unit, range=value_range)
    check_model(model)
    rate = checked_sample_rate(model, sample_rate)
    shape = checked_shape(model, rate, clip_seconds)
    classes = checked_classes(model, shape, scoring)
    if quantization == "int8_full" and len(shape) == 1:
        raise ValueError(
            'quantization="int8_full" takes features, and the model takes a waveform, of which '
            'int8 keeps too little. Use "int8", whose front end stays float, or export the '
            f"backbone without its front end. Received: input shape {(None, *shape)}"
        )
    if labels is not None and len(checked_labels(labels)) != classes:
        raise ValueError(
            f"`labels` must name each of the model's {classes} classes. "
            f"Received: {len(labels)} labels: {list(labels)}"
        )
    metadata = TFLiteMetadata(
        labels=() if labels is None else tuple(labels),
        sample_rate=rate,
        name=model.name if name is None else name,
        description=description,
        version=version,
        author=author,
        license=license,
        quantization=quantization,
        front_end=_front_end(model),
        head=head,
        unit=unit,
        value_range=value_range,
        unsure_below=unsure_below,
    )
    data = checked_data(representative_data, shape, quantization)
    reference = convert(model, shape, head)
    refuse_foreign_operators(reference.graph)
    if scoring.takes_logits:
        refuse_probabilities(reference, data)
    packed = quantize(reference, quantization, data, sub_byte=sub_byte)
    metadata = dataclasses.replace(metadata, runtime=sub_byte_runtime(packed))
    content = pack_with_metadata(packed, metadata)
    report = _report(target, quantization, content, metadata, reference, data)
    notes = _notes_about_kernels(reference, quantization, sub_byte)
    report = dataclasses.replace(report, notes=(*report.notes, *notes))
    write_bytes(target, content)
    return report


def _front_end(model: keras.Model) -> str:
    """The settings of the log-mel front end in words, empty if the model takes features."""
    return "; ".join(
        "log-mel, " + ", ".join(f"{k}={v}" for k, v in _settings(layer).items())
        for layer in log_mels(model)
    )


def _settings(layer: LogMel) -> dict[str, Any]:
    of_any_layer = keras.layers.Layer().get_config()
    return {k: v for k, v in layer.get_config().items() if k not in of_any_layer}


def _report(
    target: Path,
    kind: str,
    content: bytes,
    metadata: TFLiteMetadata,
    reference: FloatModel,
    data: list[np.ndarray],
) -> ExportReport:
    graph = TFLiteGraph(content)
    light = Runtime(content)
    same = difference = None
    if kind != "float32" and data:
        full = Runtime(reference.content)
        scores = np.array([[light(clip), full(clip)] for clip in data])
        same = metadata.scoring.agreement(scores[:, 0], scores[:, 1])
        difference = float(np.abs(scores[:, 0] - scores[:, 1]).max())
    notes = []
    if same is not None:
        calibrated = "calibrated on, and " if kind in CALIBRATED else ""
        notes.append(f"{calibrated}compared over, {len(data)} clips")
    if not metadata.labels:
        notes.append("no labels inside: pass `labels=` for a file that a classifier can load")
    waveform = len(graph.tensors[graph.inputs[0]].shape) == 2
    if waveform and not metadata.sample_rate:
        notes.append("no sample rate inside: pass `sample_rate=` if the input is a waveform")
    if waveform and not graph.front_end and kind in INTEGER_KINDS:
        notes.append("no front end found: none of its operators was kept float for being one")
    inspected = inspect_read(content, graph, str(target))
    notes += inspected.problems
    weights: Counter[str] = Counter()
    for tensor in graph.constants(graph.backbone):
        if tensor.dtype in WEIGHT_DTYPES:
            weights[tensor.dtype] += tensor.data_bytes
    return ExportReport(
        path=target,
        kind=kind,
        size=len(content),
        deflated=inspected.deflated,
        operators=tuple(graph.operator_counts()),
        weights=dict(weights),
        int8_share=sum(weights[dtype] for dtype in INTEGERS) / max(weights.total(), 1),
        bits_per_weight=inspected.bits_per_weight,
        ternary=_layers(kernel for kernel in _kernels(reference) if kernel.is_ternary),
        front_end_bytes=sum(tensor.data_bytes for tensor in graph.constants(graph.front_end)),
        input_shape=light.input_shape,
        input_type=graph.tensors[graph.inputs[0]].dtype,
        runtime=inspected.runtime,
        metadata=metadata,
        top1_agreement=same,
        difference=difference,
        notes=tuple(notes),
    )


def _notes_about_kernels(model: FloatModel, kind: str, sub_byte: str | None) -> list[str]:
    """Which kernels of three values a channel, or nearly so, are not stored as such."""
    if kind not in INTEGER_KINDS:
        return []
    kernels, notes = list(_kernels(model)), []
    nearly = _layers(kernel for kernel in kernels if kernel.is_nearly_ternary)
    if nearly:
        notes.append(
            "nearly, but not bit for bit, three values a channel, so stored as any other kernel: "
            + ", ".join(nearly)
        )
    if sub_byte is not None:
        ternary = [kernel for kernel in kernels if kernel.is_ternary]
        wide = _layers(kernel for kernel in ternary if not fits_int2(kernel))
        if wide:
            notes.append(
                "not stored in 2 bits, being no linear layer with a multiple of 4 inputs: "
                + ", ".join(wide)
            )
        if not ternary:
            notes.append("nothing stored in 2 bits: no kernel holds three values a channel")
    return notes


def _kernels(model: FloatModel) -> Iterator[LinearKernel]:
    return (k for k in linear_kernels(model.graph) if k.operator in model.graph.backbone)


def _layers(kernels: Iterable[LinearKernel]) -> tuple[str, ...]:
    """Their layers' names, as in a quantized file."""
    return tuple(dict.fromkeys(k.name.rpartition("/")[0] or k.name for k in kernels))
