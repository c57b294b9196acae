"""`export_tflite`: a Keras model becomes one `.tflite` file."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from keras_reparam._utils.files import checked_target, write_bytes
from keras_reparam.audio import LogMel
from keras_reparam.audio.clips import checked_clips, evenly_spaced
from keras_reparam.deploy.conversion.convert import convert
from keras_reparam.deploy.conversion.export_report import ExportReport
from keras_reparam.deploy.conversion.one_output import file_shape, output_shape
from keras_reparam.deploy.conversion.probability_check import refuse_probabilities
from keras_reparam.deploy.conversion.quantize import quantize
from keras_reparam.deploy.inspection.inspect_model import inspect_content
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.heads import agreement, checked_head
from keras_reparam.deploy.tflite.kinds import CALIBRATED, KINDS
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata, checked_labels
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from keras_reparam.layers import ReparamLayer


def export_tflite(
    model: keras.Model,
    path: str | os.PathLike,
    *,
    quantization: str = "int8",
    head: str = "softmax",
    representative_data: Iterable[np.ndarray] | None = None,
    labels: Sequence[str] | None = None,
    sample_rate: int | None = None,
    clip_seconds: float | None = None,
    name: str | None = None,
    description: str = "",
    version: str = "",
    author: str = "",
    license: str = "",
) -> ExportReport:
    """Writes `softmax(model(x))` as a `.tflite` of builtin operators with static shapes.

    With `head="sigmoid"` it is `sigmoid(model(x))`: one score that is yes or no, or several of
    which any number may be true.

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

    The same model and data give the same bytes. Labels, sample rate and texts travel inside the
    file as TFLite metadata, which MediaPipe reads. Where Keras runs on JAX, a process of its own
    converts the saved model with TensorFlow.

    Args:
        model: Built model with one float input, static but for the batch (see `clip_seconds`),
            and logits `(batch, classes)`: waveform in (`keras_reparam.models.with_front_end`) or
            features in. A waveform `(batch, samples, 1)` is `(batch, samples)` in the file.
        path: The file to write, ending with `.tflite`. An existing one is replaced.
        quantization: The kind.
        head: What makes scores of the logits: `"softmax"` if one of two or more classes is true,
            or `"sigmoid"`. It is written into the file for whoever reads it.
        representative_data: Inputs of the model without the batch axis: an array `(clips, ...)`
            or an iterable of arrays. Some hundred clips as the model will meet them; never those
            it is tested on. At most 200 are used, evenly spaced. `"int8"` and `"int8_full"` are
            calibrated on them; any kind is compared with float32 over them.
        labels: Class names in the order of the logits. A sigmoid of one logit has one, that of
            what is there from a score of 0.5 on.
        sample_rate: Samples per second of a waveform model. `None`: that of its `LogMel` layer.
        clip_seconds: Length of a waveform model's input in seconds. A model of any length
            `(batch, None)` gets this one; any other model is checked to have it.
        name: Name of the model in the file. `None`: `model.name`.
        description: One or two sentences.
        version: Version of the model.
        author: Who made it.
        license: Terms of use.

    Returns:
        An `ExportReport`: path, size, operators, the runtime they need, share of int8 weights,
        and how far the scores of the representative data are from the float32 ones. `print` it
        for a table.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not built, not merged, has dynamic shapes, non-finite weights
            or operators that TFLite does not have, or gives probabilities (on random input and
            on the data); or if head, data or labels don't fit it.
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
    target = checked_target(path, ".tflite")
    checked_head(head)
    _check_model(model)
    rate = checked_sample_rate(model, sample_rate)
    shape = _checked_shape(model, rate, clip_seconds)
    classes = _checked_classes(model, shape, head)
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
    )
    data = _checked_data(representative_data, shape, quantization)
    reference = convert(model, shape, head)
    _audit(reference)
    refuse_probabilities(reference, data)
    content = add_metadata(quantize(reference, quantization, data), metadata)
    report = _report(target, quantization, content, metadata, reference, data)
    write_bytes(target, content)
    return report


def _check_model(model: keras.Model) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a `keras.Model`. Received: {model!r} of type {type(model).__name__}"
        )
    if not model.built:
        raise ValueError(
            f"The model '{model.name}' is not built: it has no weights yet. Call it on data, or "
            "begin it with `keras.Input(shape)`."
        )
    for layer in model._flatten_layers():
        if isinstance(layer, ReparamLayer):
            raise ValueError(
                f"The model '{model.name}' still holds the factors of training (layer "
                f"'{layer.path}'). Export what `keras_reparam.merge(model)` returns."
            )
        if getattr(layer.dtype_policy, "quantization_mode", None) is not None:
            raise ValueError(
                f"The layer '{layer.path}' is quantized by Keras already. Export the model as it "
                "was before `model.quantize(...)`; the export quantizes."
            )
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight.value)
        if values.dtype.kind != "i" and not np.isfinite(values.astype("float32")).all():
            raise ValueError(
                f"The weights of '{weight.path}' hold NaN or infinity. Train again, or load a "
                "checkpoint from before it happened."
            )


def _checked_shape(
    model: keras.Model, sample_rate: int | None, clip_seconds: float | None
) -> tuple[int, ...]:
    """Input shape without the batch axis, or an error."""
    shape = file_shape(model)
    if clip_seconds is not None:
        shape = (clip_samples(shape, sample_rate, clip_seconds),)
    static = tuple(size for size in shape if size is not None)
    if not shape or len(static) < len(shape):
        waveform = " or pass `clip_seconds=`." if len(shape) == 1 else "."
        raise ValueError(
            "Every axis but the batch must be static: a phone's file has one shape. Create the "
            f"model with a fixed number of frames or samples{waveform} "
            f"Received: input shape {(None, *shape)}"
        )
    return static


def clip_samples(
    shape: tuple[int | None, ...], sample_rate: int | None, clip_seconds: float
) -> int:
    """Samples of `clip_seconds` in a model whose input has this shape, or a `ValueError`."""
    number = isinstance(clip_seconds, int | float) and not isinstance(clip_seconds, bool)
    if not number or not 0 < clip_seconds < math.inf:
        raise ValueError(
            "`clip_seconds` must be a positive number of seconds. "
            f"Received: clip_seconds={clip_seconds!r}"
        )
    if len(shape) != 1 or sample_rate is None:
        raise ValueError(
            "`clip_seconds` is the length of a waveform (batch, samples) at a sample rate. Put the "
            "front end before the model with `keras_reparam.models.with_front_end`, or leave it "
            f"out. Received: input shape {(None, *shape)}, sample rate {sample_rate}"
        )
    samples = round(clip_seconds * sample_rate)
    if samples < 1 or shape[0] not in (None, samples):
        takes = "any number of" if shape[0] is None else shape[0]
        raise ValueError(
            f"`clip_seconds` must be the length that the model takes, {takes} samples at "
            f"{sample_rate} Hz. Received: clip_seconds={clip_seconds!r}, {samples} samples"
        )
    return samples


def _checked_classes(model: keras.Model, shape: tuple[int, ...], head: str) -> int:
    found = output_shape(model, shape)
    if len(found) != 2 or found[1] is None:
        raise ValueError(
            "The model must have one output, logits of shape (batch, classes). "
            f"Received: output shape {found}"
        )
    if found[1] == 1 and head == "softmax":
        raise ValueError(
            "A softmax over one class is 1 whatever the model hears. Of one logit the score is "
            'its sigmoid: export with head="sigmoid". Received: head="softmax" and a model with '
            f"output shape {found}"
        )
    return int(found[1])


def _front_ends(model: keras.Model) -> list[LogMel]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, LogMel)]


def _front_end(model: keras.Model) -> str:
    """The settings of the log-mel front end in words, empty if the model takes features."""
    return "; ".join(
        "log-mel, " + ", ".join(f"{k}={v}" for k, v in _settings(layer).items())
        for layer in _front_ends(model)
    )


def _settings(layer: LogMel) -> dict[str, Any]:
    of_any_layer = keras.layers.Layer().get_config()
    return {k: v for k, v in layer.get_config().items() if k not in of_any_layer}


def checked_sample_rate(model: keras.Model, sample_rate: int | None) -> int | None:
    """Samples per second of a waveform model, if it or the caller says so, or a `ValueError`."""
    rates = {layer.sample_rate for layer in _front_ends(model)}
    if sample_rate is None:
        return rates.pop() if len(rates) == 1 else None
    shape = file_shape(model)
    if len(shape) != 1:
        raise ValueError(
            "`sample_rate` describes a waveform (batch, samples), and the model takes features "
            f"(batch, {', '.join(map(str, shape))}). Put the front end before it with "
            "`keras_reparam.models.with_front_end`, or leave `sample_rate` out. "
            f"Received: sample_rate={sample_rate!r}"
        )
    if rates and rates != {sample_rate}:
        raise ValueError(
            f"The model's front end takes {sorted(rates)[0]} Hz. "
            f"Received: sample_rate={sample_rate!r}"
        )
    return sample_rate


def _checked_data(
    data: Iterable[np.ndarray] | None, shape: tuple[int, ...], kind: str
) -> list[np.ndarray]:
    """The clips that calibrate and compare, float32 arrays of the input's shape, or an error."""
    if data is None and kind not in CALIBRATED:
        return []
    if data is None:
        raise ValueError(
            f'quantization="{kind}" needs `representative_data`: some hundred inputs of shape '
            f"{shape}, as the model will meet them, to find the range of every activation."
        )
    clips = list(checked_clips(data, shape, "representative_data"))
    if not clips:
        raise ValueError("`representative_data` must hold at least one clip. Received: none")
    if not any(clip.any() for clip in clips):
        raise ValueError("`representative_data` must hold sound. Received: zeros alone")
    return [clips[i] for i in evenly_spaced(len(clips))]


def _audit(model: bytes) -> None:
    """Refuses what a phone's runtime can't run."""
    graph = TFLiteGraph(model)
    foreign = sorted({o.name for o in graph.operators if o.name.startswith("CUSTOM")})
    if foreign or graph.num_subgraphs != 1:
        raise ValueError(
            "The model can't be one graph of builtin operators: replace the layers that loop or "
            "branch (recurrent layers, `keras.ops.while_loop`, `cond`). "
            f"Received: {graph.num_subgraphs} subgraphs, foreign operators: {foreign or 'none'}"
        )


def _report(target, kind, content, metadata, reference, data) -> ExportReport:
    graph = TFLiteGraph(content)
    light = Runtime(content)
    same = difference = None
    if kind != "float32" and data:
        full = Runtime(reference)
        scores = np.array([[light(clip), full(clip)] for clip in data])
        same = agreement(scores[:, 0], scores[:, 1], metadata.head)
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
    if waveform and not graph.front_end and kind.startswith("int8"):
        notes.append("no front end found: none of its operators was kept float for being one")
    inspected = inspect_content(content, str(target))
    notes += inspected.problems
    weights: Counter[str] = Counter()
    for tensor in graph.constants(graph.backbone):
        # Shapes, axes and the int32 biases of int8 kernels are no weights to compress.
        if tensor.dtype in ("float32", "float16", "int8"):
            weights[tensor.dtype] += tensor.data_bytes
    return ExportReport(
        path=target,
        kind=kind,
        size=len(content),
        operators=tuple(graph.operator_counts()),
        weights=dict(weights),
        int8_share=weights["int8"] / max(weights.total(), 1),
        front_end_bytes=sum(tensor.data_bytes for tensor in graph.constants(graph.front_end)),
        input_shape=light.input_shape,
        input_type=graph.tensors[graph.inputs[0]].dtype,
        runtime=inspected.runtime,
        metadata=metadata,
        agreement=same,
        difference=difference,
        notes=tuple(notes),
    )
