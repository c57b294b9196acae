"""Emotions (or any other classes) of speech, from a `.tflite` file.

Imports neither Keras nor TensorFlow.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_reparam.audio.mono import check_peak, mix
from keras_reparam.deploy.classification import Classification
from keras_reparam.deploy.metadata import read_metadata
from keras_reparam.deploy.runtime import Runtime
from keras_reparam.deploy.shipped import shipped_files
from keras_reparam.deploy.tflite_buffers import read_model

_SHIPPED = "ser_int8.tflite"
_MIN_SECONDS = 0.025


def load_classifier(path: str | os.PathLike | None = None) -> "Classifier":
    """A `Classifier` of a `.tflite` file that `export_tflite` wrote.

    LiteRT checks little of what it runs: a file made to do harm may end the process. Load a file
    that you do not trust only if `keras_reparam.inspect_tflite(path).passed`.

    Args:
        path: The file. `None`: the model that comes with the package.

    Returns:
        A `Classifier`.

    Raises:
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
            file = folder / _SHIPPED
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

    Threads may share a classifier: the results are those of one thread. They take turns at the
    interpreter; for more speed give each thread a classifier of its own.

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
            path: A file that `kr.audio.load` reads.

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
            from the stream's first sample. A window of digital silence has `silence` set, and
            all its probabilities are zero. Like any generator it belongs to one thread.

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
        blocks = _checked_chunks(iter(chunks))
        if rate != self.sample_rate:
            # Here, since a stream at the model's own rate needs no resampler.
            from keras_reparam.audio.reading import resample_blocks

            blocks = resample_blocks(blocks, int(rate), self.sample_rate)
        return self._stream(blocks, round(hop * self.sample_rate))

    def _stream(self, blocks: Iterable[np.ndarray], hop: int) -> Iterator[Classification]:
        for start, window in windows(blocks, self.window, hop):
            if start == 0:
                _check_duration(len(window), self.sample_rate)
            elif _is_too_short(len(window), self.sample_rate):
                return
            scores = self._score(window)
            yield Classification(
                labels=self.labels,
                head=self.metadata.head,
                probabilities=np.zeros(len(self.labels), "float32") if scores is None else scores,
                silence=scores is None,
                duration=len(window) / self.sample_rate,
                windows=0 if scores is None else 1,
                start=start / self.sample_rate,
            )

    def _classify(self, blocks: Iterable[np.ndarray]) -> Classification:
        total = np.zeros(len(self.labels), "float64")
        heard = length = 0
        for start, window in windows(blocks, self.window):
            length = start + len(window)
            scores = self._score(window)
            if scores is not None:
                total += scores
                heard += 1
        _check_duration(length, self.sample_rate)
        return Classification(
            labels=self.labels,
            head=self.metadata.head,
            probabilities=(total / max(heard, 1)).astype("float32"),
            silence=heard == 0,
            duration=length / self.sample_rate,
            windows=heard,
        )

    def _score(self, window: np.ndarray) -> np.ndarray | None:
        """Scores of at most a window of samples; `None` for digital silence."""
        if not window.any():
            return None
        return self._runtime(np.pad(window, (0, self.window - len(window))))


def windows(
    blocks: Iterable[np.ndarray], size: int, hop: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs (start, samples) of windows that begin `hop` samples apart, by default half a window.

    A window comes as soon as it is full. The last one may be shorter; it begins only where there
    are samples that the one before it does not hold. No samples at all are one empty window.
    `hop` is at most `size`.
    """
    hop = size // 2 if hop is None else hop
    start, held = 0, 0
    # Blocks are joined only when they fill a window: they may be single samples.
    waiting, length = [], 0
    for block in blocks:
        waiting.append(block)
        length += len(block)
        if length < size:
            continue
        joined = np.concatenate(waiting)
        while len(joined) >= size:
            yield start, joined[:size]
            start, held, joined = start + hop, size - hop, joined[hop:]
        waiting, length = [joined], len(joined)
    if length > held or start == 0:
        yield start, np.concatenate([np.zeros(0, "float32"), *waiting])


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


def _is_too_short(samples: int, sample_rate: int) -> bool:
    return samples < _MIN_SECONDS * sample_rate


def _check_duration(samples: int, sample_rate: int) -> None:
    if _is_too_short(samples, sample_rate):
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
    if not np.isfinite(samples).all():
        raise ValueError("`samples` must be finite. Received: NaN or infinity among them")
    check_peak(samples)
    if samples.ndim == 2:
        samples = mix(samples.T if np.argmin(samples.shape) == 0 else samples)
    return samples.astype("float32")
