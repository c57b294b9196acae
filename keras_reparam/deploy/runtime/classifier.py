"""Emotions (or any other classes, or values) of speech, from a `.tflite` file.

Imports neither Keras nor TensorFlow.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_reparam.audio.mono import check_peak, mix
from keras_reparam.audio.rates import at_rate
from keras_reparam.audio.silence import SILENCE_DECIBELS
from keras_reparam.audio.windows import (
    Trimmed,
    from_first_sound,
    loudest,
    valid_samples,
    windows,
)
from keras_reparam.deploy.runtime.classification import Classification
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.runtime.shipped import shipped_files
from keras_reparam.deploy.tflite.metadata import read_metadata
from keras_reparam.deploy.tflite.tflite_buffers import read_model

SHIPPED = "ser_int8.tflite"
_MIN_SECONDS = 0.025


def load_classifier(
    path: str | os.PathLike | None = None, *, silence_decibels: float = SILENCE_DECIBELS
) -> "Classifier":
    """A `Classifier` of a `.tflite` file that `export_tflite` wrote.

    LiteRT checks little of what it runs: a file made to do harm may end the process. Load a file
    that you do not trust only if `keras_reparam.inspect_tflite(path).passed`.

    Args:
        path: The file. `None`: the model that comes with the package.
        silence_decibels: Windows that are quieter are silence: see `Classifier`.

    Returns:
        A `Classifier`.

    Raises:
        TypeError: If `silence_decibels` is no number.
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or has no labels or sample rate inside.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> classifier = kr.load_classifier()
    >>> classifier.labels
    ('anger', 'happiness', 'neutral', 'sadness')
    >>> classifier.classify(np.zeros(16000), 16000).silence
    True
    """
    if path is None:
        with shipped_files() as folder:
            file = folder / SHIPPED
            if not file.is_file():
                raise FileNotFoundError(
                    f"The package holds no model '{SHIPPED}'. Name a file of your own, or make "
                    "the shipped one with `python -m recipes.quickstart --install`."
                )
            return Classifier(file, silence_decibels=silence_decibels)
    return Classifier(path, silence_decibels=silence_decibels)


class Classifier:
    """Scores of audio of any length: the mean over windows of the model's own length.

    The first window begins at the first sample that is not zero, the others half a window apart,
    up to the last sample that is not zero; what 16 bits round to zero is zero. So zeros around a
    clip change nothing. The last window is followed by zeros, which the model masks. A window
    weighs by its valid samples: those that are not in frames of 25 ms of zeros.

    A window is silence if in no tenth of a second of its valid samples the level, without their
    mean, reaches `silence_decibels`. Such windows are left out; a clip that is nothing else is
    silence. Android's library does the same, with the same number.

    Threads may share a classifier: the results are those of one thread. They take turns at the
    interpreter; for more speed give each thread a classifier of its own.

    Args:
        path: A `.tflite` file with float32 input `[1, window]`, and labels and sample rate in
            its metadata.
        silence_decibels: Below this level, in decibels relative to full scale (dBFS; a sine of
            amplitude 1 is at -3), is silence. `-math.inf`: only what has no sound at all.

    Attributes:
        labels: Class names, in the order of the scores.
        sample_rate: Samples per second that the model takes.
        window: Samples that the model takes at once.
        metadata: Everything that the file says about itself.
        silence_decibels: As given.

    Raises:
        TypeError: If `silence_decibels` is no number.
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or `silence_decibels` is above 0 or NaN.
    """

    def __init__(
        self, path: str | os.PathLike, *, silence_decibels: float = SILENCE_DECIBELS
    ) -> None:
        _check_silence(silence_decibels)
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
        self.silence_decibels = float(silence_decibels)
        self._runtime = runtime
        names = ("labels", "head", "unit", "value_range", "unsure_below")
        self._about = {name: getattr(self.metadata, name) for name in names}

    def classify(self, samples: np.ndarray, sample_rate: int) -> Classification:
        """Scores of an array of samples.

        Args:
            samples: `(samples,)`, or several channels, which are mixed as `kr.audio.load` does:
                `(samples, channels)` or `(channels, samples)`, the longer axis being time.
                Floating point between -1 and 1, or integers as they stand in a WAV file (16 or 32
                bits signed, or 8 bits unsigned).
            sample_rate: Samples per second. Another rate than the model's is converted.

        Returns:
            A `Classification`.

        Raises:
            TypeError: If `samples` are not numbers.
            ValueError: If they hold NaN or infinity, are shorter than 25 ms, or have another
                shape or scale.
        """
        _check_rate(sample_rate)
        return self._classify([(int(sample_rate), _mono(samples))])

    def classify_file(self, path: str | os.PathLike) -> Classification:
        """Scores of an audio file of any length, in memory that does not grow with it.

        Args:
            path: A file that `kr.audio.load` reads.

        Returns:
            A `Classification`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no audio, or truncated, holds NaN, or is shorter than 25 ms.
        """
        # Here, since classifying arrays needs no audio library.
        from keras_reparam.audio.reading import native_blocks

        blocks = native_blocks(path)
        try:
            return self._classify(blocks)
        except ValueError as error:
            # What is said of the file names it; what is said of samples doesn't.
            if repr(os.fsdecode(path)) in str(error):
                raise
            raise ValueError(f"{os.fsdecode(path)!r}: {error}") from None

    def stream(
        self, chunks: Iterable[np.ndarray], sample_rate: int | None = None, *, hop: float = 0.5
    ) -> Iterator[Classification]:
        """Scores of sound as it comes in, for instance from a microphone: one window per `hop`.

        Windows begin every `hop` seconds, the first one with the first sample. Each gives one
        result, of that window alone, as soon as its last sample is there; so the first result
        comes after a whole window. When the chunks end, samples that no window has held give one
        more result: of a shorter window, unless it is shorter than 25 ms, followed by zeros,
        which the model masks. The scores of a window are those that `classify` gives for its
        samples.

        Memory does not grow with the stream. Results are not smoothed over time.

        Args:
            chunks: Arrays `(samples,)` of any lengths, mono, floating point between -1 and 1 or
                integers as `classify` takes them. Read only as far as the next result needs.
            sample_rate: Samples per second of the chunks; `None` is the model's. Another rate
                than the model's is converted.
            hop: Seconds between the beginnings of two windows, up to the window's length.

        Returns:
            Iterator over `Classification`s, in order of time, with `start` and `end` in seconds
            from the stream's first sample. A window of silence has `silence` set, and all its
            probabilities are zero. Like any generator it belongs to one thread.

        Raises:
            TypeError: If `sample_rate` or `hop` is no number, or a chunk holds no numbers.
            ValueError: If `sample_rate` or `hop` is out of range, a chunk holds NaN or infinity
                or has another shape or scale, or the stream ends before 25 ms. What concerns
                chunks is raised when they are read.

        Example:

        >>> import numpy as np
        >>> import keras_reparam as kr
        >>> classifier = kr.load_classifier()
        >>> noise = np.random.default_rng(0).normal(0, 0.1, (50, 1600))
        >>> [(result.start, result.end) for result in classifier.stream(noise, 16000)]
        [(0.0, 4.0), (0.5, 4.5), (1.0, 5.0)]
        """
        rate = self.sample_rate if sample_rate is None else sample_rate
        _check_rate(rate)
        if isinstance(hop, bool) or not isinstance(hop, int | float | np.number):
            raise TypeError(f"`hop` must be a number of seconds. Received: hop={hop!r}")
        seconds = self.window / self.sample_rate
        if not 1 / self.sample_rate <= hop <= seconds:
            raise ValueError(
                f"`hop` must be at least one sample and at most the model's window of {seconds:g} "
                f"seconds. Received: hop={hop!r}"
            )
        # Checked here, not in the generator: a caller learns of it before the first chunk.
        pairs = ((int(rate), chunk) for chunk in _checked_chunks(iter(chunks)))
        return self._stream(at_rate(pairs, self.sample_rate), round(hop * self.sample_rate))

    def _stream(self, blocks: Iterable[np.ndarray], hop: int) -> Iterator[Classification]:
        for start, window in windows(blocks, self.window, hop):
            if start == 0:
                _check_duration(len(window), len(window) / self.sample_rate)
            elif len(window) < _MIN_SECONDS * self.sample_rate:
                return
            scores, weight = self._score(window)
            yield Classification(
                **self._about,
                probabilities=scores,
                silence=not weight,
                duration=len(window) / self.sample_rate,
                windows=1 if weight else 0,
                start=start / self.sample_rate,
            )

    def _classify(self, pairs: Iterable[tuple[int, np.ndarray]]) -> Classification:
        # Before the rate is changed: resampled zeros beside a sound are none.
        sound = Trimmed(pairs)
        total = np.zeros(len(self.labels), "float64")
        weights = heard = 0
        for _, window in windows(at_rate(sound, self.sample_rate), self.window):
            scores, weight = self._score(window)
            total += weight * scores.astype("float64")
            weights += weight
            heard += weight > 0
        _check_duration(sound.samples, sound.seconds)
        return Classification(
            **self._about,
            probabilities=(total / max(weights, 1)).astype("float32"),
            silence=heard == 0,
            duration=sound.seconds,
            windows=heard,
        )

    def _score(self, window: np.ndarray) -> tuple[np.ndarray, int]:
        """Scores of at most a window of samples, and its weight; zeros for silence."""
        valid = valid_samples(window, self.sample_rate)
        level = loudest(valid, self.sample_rate)
        if level == -np.inf or level < self.silence_decibels:
            return np.zeros(len(self.labels), "float32"), 0
        return self._runtime(from_first_sound(window, self.window)), len(valid)


def _checked_chunks(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    for index, chunk in enumerate(chunks):
        if isinstance(chunk, bytes | bytearray | memoryview):
            raise TypeError(
                "A chunk must be an array of samples. Received: bytes; for 16-bit sound give "
                'numpy.frombuffer(chunk, "int16")'
            )
        chunk = np.asarray(chunk)
        if chunk.ndim != 1:
            raise ValueError(
                "Every chunk must have the shape (samples,); average channels first, and give one "
                f"array as [samples]. Received: shape={chunk.shape} at chunk {index}"
            )
        try:
            mono = _mono(chunk)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{error}, at chunk {index}") from None
        yield mono


def _check_rate(sample_rate: int) -> None:
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | np.integer):
        raise TypeError(f"`sample_rate` must be an integer. Received: {sample_rate!r}")
    if sample_rate <= 0:
        raise ValueError(f"`sample_rate` must be positive. Received: {sample_rate}")


def _check_silence(decibels: float) -> None:
    if isinstance(decibels, bool) or not isinstance(decibels, int | float | np.number):
        raise TypeError(
            "`silence_decibels` must be a number of decibels relative to full scale. "
            f"Received: silence_decibels={decibels!r}"
        )
    if not decibels <= 0:
        raise ValueError(
            "`silence_decibels` must be at most 0, the level of full scale. "
            f"Received: silence_decibels={decibels!r}"
        )


def _check_duration(samples: int, seconds: float) -> None:
    if seconds < _MIN_SECONDS:
        raise ValueError(
            f"Audio must last at least {1000 * _MIN_SECONDS:.0f} ms. "
            f"Received: {samples} samples, {1000 * seconds:.1f} ms"
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
    if not np.isfinite(samples).all():
        raise ValueError("`samples` must be finite. Received: NaN or infinity among them")
    check_peak(samples)
    if samples.ndim == 2:
        samples = mix(samples.T if np.argmin(samples.shape) == 0 else samples)
    return samples.astype("float32")
