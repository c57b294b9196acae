"""What `export_tflite` refuses, each with what to do."""

import math
from collections.abc import Iterable

import keras
import numpy as np

from keras_reparam.audio import LogMel
from keras_reparam.audio.clips import checked_clips, evenly_spaced
from keras_reparam.deploy.conversion.one_output import file_shape, output_shape
from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.kinds import CALIBRATED, SUB_BYTE, SUB_BYTE_KINDS
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from keras_reparam.layers import ReparamLayer


def check_sub_byte(sub_byte: str | None, kind: str) -> None:
    """An error if there is no such storage, or none in this kind."""
    if sub_byte not in (None, *SUB_BYTE):
        raise ValueError(f'`sub_byte` must be "int2" or None. Received: sub_byte={sub_byte!r}')
    if sub_byte is not None and kind not in SUB_BYTE_KINDS:
        raise ValueError(
            f'`sub_byte="{sub_byte}"` goes with the kinds {", ".join(map(repr, SUB_BYTE_KINDS))}. '
            f"Received: quantization={kind!r}"
        )


def check_model(model: keras.Model) -> None:
    """An error if the model is none, not built, not merged, quantized, or holds NaN."""
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


def checked_shape(
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


def checked_classes(model: keras.Model, shape: tuple[int, ...], head: Head) -> int:
    """Number of classes, or an error if the model's outputs are no logits for the head."""
    found = output_shape(model, shape)
    if len(found) != 2 or found[1] is None:
        raise ValueError(
            "The model must have one output, logits of shape (batch, classes). "
            f"Received: output shape {found}"
        )
    if found[1] == 1 and not head.takes_one:
        raise ValueError(
            "A softmax over one class is 1 whatever the model hears. Of one logit the score is "
            'its sigmoid: export with head="sigmoid"; or, of a value, with head="linear". '
            f'Received: head="softmax" and a model with output shape {found}'
        )
    return int(found[1])


def log_mels(model: keras.Model) -> list[LogMel]:
    """The model's front ends."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, LogMel)]


def checked_sample_rate(model: keras.Model, sample_rate: int | None) -> int | None:
    """Samples per second of a waveform model, if it or the caller says so, or a `ValueError`."""
    rates = {layer.sample_rate for layer in log_mels(model)}
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


def checked_data(
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


def refuse_foreign_operators(graph: TFLiteGraph) -> None:
    """Refuses what a phone's runtime can't run."""
    foreign = sorted({o.name for o in graph.operators if o.name.startswith("CUSTOM")})
    if foreign or graph.num_subgraphs != 1:
        raise ValueError(
            "The model can't be one graph of builtin operators: replace the layers that loop or "
            "branch (recurrent layers, `keras.ops.while_loop`, `cond`). "
            f"Received: {graph.num_subgraphs} subgraphs, foreign operators: {foreign or 'none'}"
        )
