"""The log-mel front end."""

from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from keras_reparam._utils.validation import (
    boolean,
    finite_number,
    one_of,
    positive_int,
    positive_number,
)
from keras_reparam.audio import framing
from keras_reparam.audio.float32_layer import Float32Layer
from keras_reparam.audio.level import (
    LEAST_DEVIATION,
    LEAST_OFFSET,
    features_at_level,
    level_normalized,
    without_dc_offset,
)
from keras_reparam.audio.masking import as_batch, frame_mask
from keras_reparam.audio.spectrum import MEL_SCALES, WINDOWS, RealDFT, halves, mel_filters, window

# `adapt` pads clips to a multiple of this many frames, so that a backend that compiles for each
# shape does so a few times, not once for each clip. The frames added are masked.
_ADAPT_FRAMES = 128

_PRESETS = {
    "speechformer": {
        "sample_rate": 16000,
        "frame_length": 400,
        "hop_length": 160,
        "fft_length": 512,
        "window": "hamming",
        "num_mels": 128,
        "fmin": 0.0,
        "fmax": None,
        "mel_scale": "slaney",
        "power": 1.0,
        "log_offset": 1e-8,
    },
}


@keras.saving.register_keras_serializable(package="keras_reparam")
class LogMel(Float32Layer):
    """Log-mel features of a waveform, normalised: `(log(mel + log_offset) - mean) / std`.

    With `utterance_mean=True`: `(x - mean_t(x) - mean) / std`, where `x = log(mel + log_offset)`
    and `mean_t(x)` is each band's mean over the clip's valid frames. With `utterance_std=True` as
    well: `((x - mean_t(x)) / std_t(x) - mean) / std`, where `std_t(x)` is one number for all bands:
    the root of the mean of `(x - mean_t(x))**2` over valid frames and bands.

    With `level_normalization=True`, `x = log(mel / level + log_offset)`: a clip and the clip at
    another gain get the same features. `level` is what `mel` is in the clip's loud frames:
    `sum_t e_t**2 / sum_t e_t`, where `e_t` is the mean of a frame's bands. Silence before, after
    and between words has no part in it, whether of zeros or of noise.

    `mel` is `librosa.feature.melspectrogram(y=padded, sr=sample_rate, n_fft=fft_length,
    win_length=frame_length, hop_length=hop_length, window=window, center=False, power=power,
    n_mels=num_mels, fmin=fmin, fmax=fmax, htk=mel_scale == "htk")`, where `padded` is the
    waveform followed by as many zeros as the last of its `ceil(samples / hop_length)` frames
    needs. (librosa centres a window that is shorter than the FFT, so frame `t` begins
    `(fft_length - frame_length) // 2` samples after `t * hop_length`.)

    `mean` and `std` hold one value per mel band. They are non-trainable weights, 0 and 1 until
    `adapt()` measures them, and are saved with the model, so a model that begins with this layer
    needs nothing else. `LogMel.from_preset("speechformer")` has published settings.

    The layer computes in float32 whatever the global dtype policy says, gives its output a
    Keras mask (see `keras_reparam.audio.frame_mask`), and exports to TFLite as builtin operators
    with static shapes: the Fourier transform is two matrix products. A graph can't raise an
    error: where a window holds a NaN or infinite sample, the frame is valid and its features are
    NaN (with `utterance_mean`, `level_normalization` or `remove_dc_offset` all of the clip's), for
    the caller to see.

    Args:
        sample_rate: Samples per second.
        frame_length: Window length in samples.
        hop_length: Distance of two frames in samples.
        fft_length: FFT length in samples: a power of two of at least 4, `frame_length` or longer.
        window: `"hann"` or `"hamming"`, periodic.
        num_mels: Number of mel bands.
        fmin: Lower edge of the first band in Hz.
        fmax: Upper edge of the last band in Hz. `None`: half the sample rate.
        mel_scale: `"slaney"` or `"htk"`.
        power: 1.0 for magnitudes, 2.0 for powers.
        log_offset: Added to every band's value before the logarithm, so that silence is finite.
            With `level_normalization` it is relative: 1e-5 is 50 dB below the clip's level if
            `power` is 2.
        utterance_mean: Whether each band's mean over the clip's valid frames is subtracted before
            the normalisation (cepstral mean normalisation, of the log-mel bands): takes away
            what a microphone or a room adds to the whole clip, and its loudness.
        utterance_std: With `utterance_mean`: whether what is left is divided by its deviation over
            the clip. It takes away how far speech stands out of the noise around it, which tells
            a loud speaker from a soft one where a recording's noise is always the same.
        level_normalization: Whether the clip's level is taken out, and the floor is relative to
            it.
        remove_dc_offset: Whether the mean of the clip's nonzero samples is subtracted from them
            first. Zeros stay zero: where there is no sound, there is no offset either.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Input shape:
        Floating-point samples between -1 and 1: `(batch, samples)`, or `(samples,)`, which
        counts as a batch of one.

    Output shape:
        `(batch, ceil(samples / hop_length), num_mels)`, float32.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> log_mel = kr.audio.LogMel(num_mels=40)
    >>> waveform = np.random.default_rng(0).uniform(-1, 1, (2, 16000)).astype("float32")
    >>> tuple(log_mel(waveform).shape)
    (2, 100, 40)
    >>> log_mel.adapt(waveform)
    >>> abs(float(np.mean(np.array(log_mel(waveform))))) < 1e-4
    True
    """

    def __init__(
        self,
        *,
        sample_rate: int = 16000,
        frame_length: int = 400,
        hop_length: int = 160,
        fft_length: int = 512,
        window: str = "hann",
        num_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        mel_scale: str = "slaney",
        power: float = 2.0,
        log_offset: float = 1e-6,
        utterance_mean: bool = False,
        utterance_std: bool = False,
        level_normalization: bool = False,
        remove_dc_offset: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sample_rate = positive_int("sample_rate", sample_rate)
        self.frame_length = positive_int("frame_length", frame_length)
        self.hop_length = positive_int("hop_length", hop_length)
        self.fft_length = positive_int("fft_length", fft_length)
        self.window = one_of("window", window, WINDOWS)
        self.num_mels = positive_int("num_mels", num_mels)
        self.fmin = finite_number("fmin", fmin)
        self.fmax = None if fmax is None else finite_number("fmax", fmax)
        self.mel_scale = one_of("mel_scale", mel_scale, MEL_SCALES)
        self.power = float(one_of("power", power, (1.0, 2.0)))
        self.log_offset = positive_number("log_offset", log_offset)
        self.utterance_mean = boolean("utterance_mean", utterance_mean)
        self.utterance_std = boolean("utterance_std", utterance_std)
        if self.utterance_std and not self.utterance_mean:
            raise ValueError(
                "`utterance_std` is the deviation from what `utterance_mean` takes out, and needs "
                "it. Received: utterance_std=True, utterance_mean=False"
            )
        self.level_normalization = boolean("level_normalization", level_normalization)
        self.remove_dc_offset = boolean("remove_dc_offset", remove_dc_offset)
        shortest = max(self.frame_length, 4)
        if self.fft_length < shortest or self.fft_length & (self.fft_length - 1):
            raise ValueError(
                "`fft_length` must be a power of two, at least 4 and at least `frame_length`. "
                f"Received: fft_length={fft_length}, frame_length={frame_length}"
            )
        upper = self._upper_edge()
        if not 0 <= self.fmin < upper <= self.sample_rate / 2:
            raise ValueError(
                "`fmin` and `fmax` must satisfy 0 <= fmin < fmax <= sample_rate / 2. "
                f"Received: fmin={fmin}, fmax={fmax}, sample_rate={sample_rate}"
            )
        self.supports_masking = True
        self._make_constants()

    def _upper_edge(self) -> float:
        return self.sample_rate / 2 if self.fmax is None else self.fmax

    def _make_constants(self):
        dft = RealDFT(self.frame_length, self.fft_length)
        filters = mel_filters(
            sample_rate=self.sample_rate,
            fft_length=self.fft_length,
            num_mels=self.num_mels,
            fmin=self.fmin,
            fmax=self._upper_edge(),
            mel_scale=self.mel_scale,
        )
        width = dft.rows * dft.outer
        weights = np.zeros(width, "float32")
        weights[: self.frame_length] = window(self.window, self.frame_length)
        self._dft = dft
        self._window = weights
        self._first = np.ascontiguousarray(dft.first.T.astype("float32"))
        self._second = dft.second.astype("float32")
        # In the order in which the transform gives its bins.
        self._filters = halves(filters[dft.frequencies.T.ravel()].astype("float32"))

    def build(self, input_shape):
        for name, initializer in (("mean", "zeros"), ("std", "ones")):
            variable = self.add_weight(
                shape=(self.num_mels,), initializer=initializer, trainable=False, name=name
            )
            setattr(self, name, variable)

    def call(self, waveform):
        waveform = as_batch(waveform)
        features = self._log_mel(waveform)
        mask = self.compute_mask(waveform) if self.utterance_mean else None
        return self._standardized(features, mask)

    def compute_mask(self, waveform, previous_mask=None):
        """Boolean `(batch, frames)`: which frames' windows hold a nonzero sample."""
        return frame_mask(
            waveform,
            frame_length=self.frame_length,
            hop_length=self.hop_length,
            fft_length=self.fft_length,
        )

    def unnormalized(self) -> "LogMel":
        """The front end without the clip's level, its mean and the statistics: `log(mel + offset)`.

        `offset` is `log_offset`, or with `level_normalization`, where that is relative, 1e-12.
        What it gives is what `normalize` and `adapt` take as features, and may be stored as
        float16.
        """
        config = self.get_config()
        if self.level_normalization:
            config["log_offset"] = LEAST_OFFSET
        taken_out = ("level_normalization", "utterance_mean", "utterance_std")
        return LogMel.from_config({**config, **dict.fromkeys(taken_out, False)})

    def normalize(self, features, *, mask=None):
        """What the layer does to the features of `unnormalized()`.

        `(features - mean) / std`, and before that what `level_normalization` and `utterance_mean`
        take out of a clip.

        Args:
            features: `(clips, frames, num_mels)`, or of one clip `(frames, num_mels)`.
            mask: Boolean, features' shape without the bands: which frames are valid. Matters
                with `level_normalization` and `utterance_mean` alone. `None`: all of them.

        Returns:
            float32 tensor of the same shape.
        """
        features = ops.cast(features, "float32")
        if self.level_normalization:
            features = features_at_level(features, mask, self.log_offset)
        return self._standardized(features, mask)

    def _standardized(self, features, mask):
        """The mean of the clip and the statistics, taken out of `log(mel + offset)`."""
        if not self.built:
            self.build(None)
        if self.utterance_mean:
            features = features - _mean_over_time(features, mask)
        if self.utterance_std:
            variance = ops.mean(_mean_over_time(ops.square(features), mask), axis=-1, keepdims=True)
            features = features / ops.maximum(ops.sqrt(variance), LEAST_DEVIATION)
        return (features - self.mean) / self.std

    def _log_mel(self, waveform):
        """Features of a float32 tensor `(batch, samples)` without the statistics."""
        mel = self._mel(without_dc_offset(waveform) if self.remove_dc_offset else waveform)
        if self.level_normalization:
            return level_normalized(mel, self.log_offset)
        return ops.log(mel + self.log_offset)

    def _mel(self, waveform):
        dft = self._dft
        frames = framing.frame(
            waveform,
            offset=(self.fft_length - self.frame_length) // 2,
            width=len(self._window),
            hop_length=self.hop_length,
        )
        count = frames.shape[1] if frames.shape[1] is not None else ops.shape(frames)[1]
        matrices = ops.reshape(frames * self._window, (-1, dft.rows, dft.outer))
        # The constant on the right: one product of all frames, where TFLite would otherwise make
        # one for each of them.
        inner = ops.matmul(ops.transpose(matrices, (0, 2, 1)), self._first)
        inner = ops.transpose(ops.reshape(inner, (-1, dft.outer, dft.bands, 2)), (2, 0, 3, 1))
        inner = ops.reshape(inner, (dft.bands, -1, 2 * dft.outer))
        spectrum = ops.matmul(inner, self._second)
        power = ops.square(spectrum[..., : dft.outer]) + ops.square(spectrum[..., dft.outer :])
        values = power if self.power == 2.0 else ops.sqrt(power)
        bins = dft.bands * dft.outer
        values = ops.reshape(ops.transpose(values, (1, 2, 0)), (-1, count, bins))
        bands = [ops.matmul(values[..., first : first + len(f)], f) for first, f in self._filters]
        return ops.concatenate(bands, axis=-1)

    def adapt(self, data, *, mask=None) -> None:
        """Set `mean` and `std` to those of the valid frames of `data`, per mel band.

        A later call starts afresh. Bands that do not vary get a standard deviation of 1. They are
        measured after `level_normalization` and `utterance_mean`; with the latter `mean` is 0 but
        for rounding.

        Args:
            data: The training set: an iterable of waveforms `(samples,)` of any lengths, or an
                array of waveforms `(clips, samples)`; their frames without a nonzero sample
                are left out. Or an array of features before normalisation
                `(clips, frames, num_mels)`.
            mask: Boolean `(clips, frames)`, with features alone: which frames count. `None`:
                all of them.

        Raises:
            ValueError: If no valid frame is found, or a value is NaN or infinite.
        """
        if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
            raise ValueError(
                "`adapt` expects an iterable of waveforms, or an array of features "
                f"(clips, frames, num_mels). Received: {data!r} of type {type(data).__name__}"
            )
        count, total, squares = 0, np.zeros(self.num_mels), np.zeros(self.num_mels)
        for frames in self._valid_frames(data, mask):
            if self.utterance_mean and len(frames):
                frames = frames - frames.mean(axis=0)
            if self.utterance_std and len(frames):
                frames = frames / max(np.sqrt(np.mean(np.square(frames))), LEAST_DEVIATION)
            count += len(frames)
            total += frames.sum(axis=0)
            squares += np.square(frames).sum(axis=0)
        if not count:
            raise ValueError(
                "`adapt` found no frame with a nonzero sample; a mean needs at least one."
            )
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - np.square(mean), 0))
        if not (np.isfinite(mean).all() and np.isfinite(std).all()):
            raise ValueError("`adapt` expects finite values. Received: NaN or infinity in `data`")
        if not self.built:
            self.build(None)
        self.mean.assign(mean.astype("float32"))
        self.std.assign(np.where(std < 1e-5, 1.0, std).astype("float32"))

    def _valid_frames(self, data, mask):
        """Yields float64 arrays `(frames, num_mels)`."""
        if getattr(data, "ndim", None) == 3:
            yield from self._valid_stored_frames(data, mask)
            return
        if mask is not None:
            raise ValueError(
                "`mask` belongs to features (clips, frames, num_mels); for waveforms it is "
                f"computed. Received: mask of shape {np.shape(mask)}"
            )
        step = _ADAPT_FRAMES * self.hop_length
        for waveform in data:
            waveform = np.asarray(waveform)
            if waveform.ndim != 1:
                raise ValueError(
                    "`adapt` expects waveforms of the shape (samples,). "
                    f"Received: shape={waveform.shape}"
                )
            if not np.isfinite(waveform).all():
                raise ValueError("`adapt` expects finite samples. Received: NaN or infinity")
            batch = as_batch(np.pad(waveform, (0, -len(waveform) % step)))
            features = ops.convert_to_numpy(self._log_mel(batch))
            yield features[ops.convert_to_numpy(self.compute_mask(batch))].astype("float64")

    def _valid_stored_frames(self, features, mask):
        if features.shape[2] != self.num_mels:
            raise ValueError(
                f"Features must have {self.num_mels} mel bands. Received: shape={features.shape}"
            )
        if mask is None:
            mask = np.ones(features.shape[:2], bool)
        if np.shape(mask) != tuple(features.shape[:2]):
            raise ValueError(
                "`mask` must have the shape (clips, frames) of the features, "
                f"{tuple(features.shape[:2])}. Received: shape={np.shape(mask)}"
            )
        # One clip at a time: stored features may be larger than memory.
        for clip, valid in zip(features, mask, strict=True):
            frames = np.asarray(clip)[np.asarray(valid, bool)].astype("float64")
            if self.level_normalization and len(frames):
                frames = features_at_level(frames, None, self.log_offset, numpy=np)
            yield frames

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape if len(input_shape) == 2 else (1, input_shape[0])
        frames = None if samples is None else framing.num_frames(samples, self.hop_length)
        return (batch, frames, self.num_mels)

    def get_config(self):
        config = super().get_config()
        config.update(
            sample_rate=self.sample_rate,
            frame_length=self.frame_length,
            hop_length=self.hop_length,
            fft_length=self.fft_length,
            window=self.window,
            num_mels=self.num_mels,
            fmin=self.fmin,
            fmax=self.fmax,
            mel_scale=self.mel_scale,
            power=self.power,
            log_offset=self.log_offset,
            utterance_mean=self.utterance_mean,
            utterance_std=self.utterance_std,
            level_normalization=self.level_normalization,
            remove_dc_offset=self.remove_dc_offset,
        )
        return config

    @classmethod
    def from_preset(cls, preset: str, **kwargs) -> "LogMel":
        """A layer with published settings.

        `"speechformer"`: 16 kHz, Hamming 400, hop 160, magnitudes, 128 Slaney mel bands,
        `log(mel + 1e-8)`, no normalisation; `mel` as `librosa.feature.melspectrogram` gives it.
        The authors' script (`scipy.signal.spectrogram`) differs: its FFT is as long as the
        frame, so that a filter sums 400 / 512 as many bins; magnitudes are divided by
        `sqrt(sample_rate * sum(window**2))`, 1593; the window is symmetric; frames begin 56
        samples earlier, and those that the waveform does not fill are left out. For a model
        trained on its output, take `log_offset=2e-5` and subtract 7.62: the median difference of
        a value on speech is then 0.1, because the bins of the two FFTs lie apart.

        Args:
            preset: `"speechformer"`.
            **kwargs: Arguments of the layer that differ from the preset.

        Raises:
            ValueError: If there is no such preset.

        Example:

        >>> import keras_reparam as kr
        >>> log_mel = kr.audio.LogMel.from_preset("speechformer", utterance_mean=True)
        >>> log_mel.num_mels, log_mel.window, log_mel.power
        (128, 'hamming', 1.0)

        Reference:
            Chen et al., SpeechFormer, Interspeech 2022.
        """
        return cls(**{**_PRESETS[one_of("preset", preset, tuple(_PRESETS))], **kwargs})


def _mean_over_time(features, mask):
    """Mean of `(..., frames, bands)` over the valid frames, zero where no frame is valid."""
    if mask is None:
        return ops.mean(features, axis=-2, keepdims=True)
    valid = ops.expand_dims(ops.cast(mask, "float32"), -1)
    count = ops.maximum(ops.sum(valid, axis=-2, keepdims=True), 1.0)
    return ops.sum(features * valid, axis=-2, keepdims=True) / count
