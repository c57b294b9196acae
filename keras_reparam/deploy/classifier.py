"""Emotions (or any other classes) of speech, from a `.tflite` file.

Imports neither Keras nor TensorFlow.
"""

import importlib.resources
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_reparam.deploy.classification import Classification
from keras_reparam.deploy.metadata import read_metadata
from keras_reparam.deploy.runtime import Runtime
from keras_reparam.deploy.tflite_buffers import read_model

_SHIPPED = "ser_int8.tflite"
_MIN_SECONDS = 0.025
# Resampled or processed speech goes a little beyond 1; integers taken for floats far beyond.
_MAX_PEAK = 32.0


def load_classifier(path: str | os.PathLike | None = None) -> "Classifier":
    """A `Classifier` of a `.tflite` file that `export_tflite` wrote.

    Args:
        path: The file. `None`: the model that comes with the package.

    Returns:
        A `Classifier`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or has no labels or sample rate inside.
    """
    if path is None:
        shipped = importlib.resources.files("keras_reparam") / "pretrained" / _SHIPPED
        with importlib.resources.as_file(shipped) as file:
            if not file.is_file():
                raise FileNotFoundError(
                    f"The package holds no model '{_SHIPPED}'. Name a file of your own, or make "
                    "the shipped one with `python -m recipes.quickstart --install`."
                )
            return Classifier(file)
    return Classifier(path)


class Classifier:
    """Scores of audio of any length: the mean over windows of the model's own length.

    Windows begin half a window apart; the last one is followed by zeros, which the model masks.
    Windows that are digital silence are left out; a clip that is nothing else is silence.

    Args:
        path: A `.tflite` file with float32 input `[1, window]`, and labels and sample rate in
            its metadata.

    Attributes:
        labels: Class names, in the order of the scores.
        sample_rate: Samples per second that the model takes.
        window: Samples that the model takes at once.
        metadata: Everything that the file says about itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        path = Path(path)
        model = read_model(path)
        self.metadata = read_metadata(model)
        runtime = Runtime(model, origin=f"'{path}'")
        if len(runtime.input_shape) != 2 or self.metadata.sample_rate is None:
            raise ValueError(
                f"'{path}' does not say that it takes a waveform, and at which sample rate. Export "
                "it with `kr.models.with_front_end(...)` and `sample_rate=`. "
                f"Received: input shape {list(runtime.input_shape)}"
            )
        if not self.metadata.labels:
            raise ValueError(f"'{path}' has no labels inside. Export it again with `labels=`.")
        if len(self.metadata.labels) != runtime.num_classes:
            raise ValueError(
                f"'{path}' names {len(self.metadata.labels)} labels and gives "
                f"{runtime.num_classes} scores. Export it again."
            )
        if self.metadata.channels != 1:
            raise ValueError(
                f"'{path}' takes {self.metadata.channels} audio channels; expected a mono model."
            )
        if runtime.input_shape[1] < 2:
            raise ValueError(f"'{path}' takes {runtime.input_shape[1]} samples at once.")
        self.labels = self.metadata.labels
        self.sample_rate = self.metadata.sample_rate
        self.window = runtime.input_shape[1]
        self._runtime = runtime

    def classify(self, samples: np.ndarray, sample_rate: int) -> Classification:
        """Scores of an array of samples.

        Args:
            samples: `(samples,)`, or several channels, which are averaged: `(samples, channels)`
                or `(channels, samples)`, the longer axis being time. Floating point between -1
                and 1, or integers as they stand in a WAV file (16 or 32 bits signed, or 8 bits
                unsigned).
            sample_rate: Samples per second. Another rate than the model's is converted.

        Returns:
            A `Classification`.

        Raises:
            TypeError: If `samples` are not numbers.
            ValueError: If they hold NaN or infinity, are shorter than 25 ms, or have another
                shape or scale.
        """
        if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | np.integer):
            raise TypeError(f"`sample_rate` must be an integer. Received: {sample_rate!r}")
        if sample_rate <= 0:
            raise ValueError(f"`sample_rate` must be positive. Received: {sample_rate}")
        mono = _mono(samples)
        _check_duration(len(mono), sample_rate)
        if sample_rate != self.sample_rate:
            # Here, since a clip at the model's own rate needs no resampler.
            import soxr

            mono = soxr.resample(mono, int(sample_rate), self.sample_rate, quality="HQ")
        return self._classify([mono])

    def classify_file(self, path: str | os.PathLike) -> Classification:
        """Scores of an audio file of any length, in memory that does not grow with it.

        Args:
            path: A file in any format that libsndfile reads, at any rate, with any number of
                channels.

        Returns:
            A `Classification`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no audio, or truncated, holds NaN, or is shorter than 25 ms.
        """
        # Here, since classifying arrays needs no audio library.
        from keras_reparam.audio import read_blocks

        blocks = read_blocks(path, sample_rate=self.sample_rate, block_length=self.window)
        try:
            return self._classify(blocks)
        except ValueError as error:
            # `read_blocks` names the file; what is said of samples doesn't.
            if str(os.fspath(path)) in str(error):
                raise
            raise ValueError(f"'{path}': {error}") from None

    def _classify(self, blocks: Iterable[np.ndarray]) -> Classification:
        total = np.zeros(len(self.labels), "float64")
        heard = length = 0
        for start, window in windows(blocks, self.window):
            length = start + len(window)
            if window.any():
                total += self._runtime(np.pad(window, (0, self.window - len(window))))
                heard += 1
        _check_duration(length, self.sample_rate)
        return Classification(
            labels=self.labels,
            probabilities=(total / max(heard, 1)).astype("float32"),
            silence=heard == 0,
            duration=length / self.sample_rate,
            windows=heard,
        )


def windows(blocks: Iterable[np.ndarray], size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs (start, samples) of half-overlapping windows; the last one may be shorter.

    A window begins only where there are samples that the one before it does not hold.
    """
    hop = size // 2
    start, waiting = 0, np.zeros(0, "float32")
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) > size:
            yield start, waiting[:size]
            start, waiting = start + hop, waiting[hop:]
    yield start, waiting


def _check_duration(samples: int, sample_rate: int) -> None:
    if samples < _MIN_SECONDS * sample_rate:
        raise ValueError(
            f"Audio must last at least {1000 * _MIN_SECONDS:.0f} ms. "
            f"Received: {samples} samples, {1000 * samples / sample_rate:.1f} ms"
        )


def _mono(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise ValueError(
            "`samples` must have the shape (samples,), (samples, channels) or (channels, samples)."
            f" Received: shape={samples.shape}"
        )
    if samples.dtype == np.uint8:
        samples = (samples.astype("float32") - 128) / 128
    elif samples.dtype in (np.int16, np.int32):
        samples = samples.astype("float32") / -float(np.iinfo(samples.dtype).min)
    elif not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(
            "`samples` must be floating-point numbers between -1 and 1, or 16-bit integers. "
            f"Received: dtype={samples.dtype}"
        )
    if samples.ndim == 2:
        samples = samples.mean(axis=int(np.argmin(samples.shape)))
    if not np.isfinite(samples).all():
        raise ValueError("`samples` must be finite. Received: NaN or infinity among them")
    peak = float(np.abs(samples).max(initial=0))
    if peak > _MAX_PEAK:
        raise ValueError(
            "Floating-point `samples` must be between -1 and 1; divide 16-bit integers by 32768. "
            f"Received: a largest absolute value of {peak:g}"
        )
    return samples.astype("float32")
