"""Clips, and their log-mel features at several speeds."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import soxr
from rich.console import Console

from keras_reparam.audio import LogMel
from keras_reparam.deploy.progress import track
from recipes.common.manifest import Segment, read_segment

SAMPLE_RATE = 16000
# Clips are padded to a multiple of this before the front end, so that a backend that compiles for
# every shape does so a few times. Frames of zeros alone are cut off again.
_BLOCK = SAMPLE_RATE


@dataclasses.dataclass(frozen=True)
class Clip:
    """A segment with its samples and its class."""

    segment: Segment
    samples: np.ndarray
    label: int


def read_clips(
    segments: Sequence[Segment], folder: Path, labels: Sequence[str], console: Console
) -> list[Clip]:
    """Reads the segments from the corpus's folder; classes are indices into `labels`."""
    return [
        Clip(
            segment,
            read_segment(segment, folder, sample_rate=SAMPLE_RATE),
            labels.index(segment.label),
        )
        for segment in track(segments, "Reading clips", console)
    ]


@dataclasses.dataclass(frozen=True)
class Features:
    """Log-mel features `(frames, mels)` of one waveform, and its mask `(frames,)`."""

    values: np.ndarray
    mask: np.ndarray


def features_of(log_mel: LogMel, samples: np.ndarray) -> Features:
    """What `log_mel` gives for a waveform, without the invalid frames after its last sound."""
    padded = np.pad(samples, (0, -len(samples) % _BLOCK))[None].astype("float32")
    mask = np.asarray(keras.ops.convert_to_numpy(log_mel.compute_mask(padded)))[0]
    values = np.asarray(keras.ops.convert_to_numpy(log_mel(padded)))[0]
    frames = 1 + int(np.flatnonzero(mask).max(initial=0))
    return Features(values[:frames], mask[:frames])


def features_at_speeds(
    clips: Sequence[Clip], log_mel: LogMel, speeds: Sequence[float], console: Console
) -> list[list[Features]]:
    """Features of every clip at every speed, before normalisation if `log_mel` is not adapted."""
    return [
        [features_of(log_mel, at_speed(clip.samples, speed)) for speed in speeds]
        for clip in track(clips, "Log-mel features", console)
    ]


def adapt(log_mel: LogMel, features: Sequence[Sequence[Features]], speeds: Sequence[float]) -> None:
    """Gives `log_mel` the mean and standard deviation of the clips at their own speed.

    Args:
        log_mel: The front end.
        features: What `features_at_speeds` gave of the training clips.
        speeds: The speeds, 1 among them.
    """
    own = [of_clip[speeds.index(1.0)] for of_clip in features]
    log_mel.adapt(np.concatenate([found.values[found.mask] for found in own])[None])


def at_speed(samples: np.ndarray, speed: float) -> np.ndarray:
    """The waveform played `speed` times as fast, with its pitch."""
    if speed == 1:
        return samples
    return soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="HQ")
