"""What Whisper's encoder makes of a clip."""

import functools
import hashlib
import json
from collections.abc import Sequence

import keras
import librosa
import numpy as np

from recipes.common.teacher.hub import whisper_backbone

SAMPLE_RATE = 16000
# Of the features, and of the encoder, whose second convolution has a stride of 2.
_HOP, _FRAME = 160, 320
_FFT_LENGTH = 400
# The encoder was trained on speech that silence follows; what it makes of that is left out.
_SILENCE = SAMPLE_RATE // 2
POOLING = "mean and standard deviation over own frames, 0.5 s of zeros after them"


class WhisperEncoder:
    """Mean and standard deviation of encoder layers' outputs over the frames of a clip.

    A clip is followed by half a second of zeros and not, as in recognition, by as many as make it
    30 s: it takes a tenth of the time. A clip of over 29.5 s is heard in pieces.

    Args:
        preset: Name or folder of a preset of `keras_hub.models.WhisperBackbone`.
        layers: Which encoder layers, counted from 1; one more than there are: what the final
            normalisation makes of the last. `None`: all of them.

    Attributes:
        digest: Stands for the encoder's weights, the layers and the pooling: 12 hexadecimal digits.
        shape: Of a clip's values: layers, 2, width of the encoder.
        layers, width: These of it.
        described: What it is, for messages.
        parameters: Weights of the encoder as far as the highest of the layers.

    Raises:
        FileNotFoundError: If KerasHub is not installed.
        ValueError: If there is no such preset, or no such layer.
    """

    def __init__(self, preset: str, layers: Sequence[int] | None):
        backbone = _from_preset(preset)
        parts = [*backbone.encoder_transformer_layers, backbone.encoder_layer_norm]
        layers = list(range(1, len(parts) + 1)) if layers is None else layers
        if not layers or not set(layers) <= set(range(1, len(parts) + 1)):
            raise ValueError(
                f"`teacher_layers` must be some of 1 to {len(parts)}, of which the last is the "
                f"final normalisation. Received: teacher_layers={list(layers)}"
            )
        outputs = [parts[layer - 1].output for layer in layers]
        self._model = keras.Model(backbone.input["encoder_features"], outputs)
        self._mels = backbone.num_mels
        self._longest = backbone.max_encoder_sequence_length * _HOP - _SILENCE
        self.layers, self.width = len(layers), backbone.hidden_dim
        self.shape = (self.layers, 2, self.width)
        self.described = f"'{preset}'"
        self.parameters = self._model.count_params()
        self.digest = _digest(self._model, list(layers))

    def pooled(self, samples: np.ndarray) -> np.ndarray:
        """Of every layer means and deviations: float32 of the shape `shape`.

        Args:
            samples: A clip at 16 kHz, `(samples,)`.
        """
        frames = self.frames(samples)
        return np.stack([frames.mean(axis=1), frames.std(axis=1)], axis=1).astype("float32")

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Outputs of the layers for the clip's own frames: float64 `(layers, frames, width)`."""
        pieces = range(0, max(len(samples), 1), self._longest)
        parts = [self._frames(samples[start : start + self._longest]) for start in pieces]
        return np.concatenate(parts, axis=1, dtype="float64")

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        """Outputs `(layers, frames, width)` for the piece's own frames."""
        features = log_mel(np.pad(samples, (0, _SILENCE)), self._mels)
        outputs = self._model(features[None], training=False)
        own = frames_of(len(samples))
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return np.stack([keras.ops.convert_to_numpy(found)[0, :own] for found in outputs])


def frames_of(samples: int) -> int:
    """How many frames of the encoder a clip of so many samples has, at least one."""
    return max(samples // _FRAME, 1)


def log_mel(samples: np.ndarray, num_mels: int) -> np.ndarray:
    """Whisper's features of a clip: float32 `(samples // 160, num_mels)`.

    KerasHub's `WhisperAudioConverter` computes the same of whole seconds alone.
    """
    power = librosa.feature.melspectrogram(
        y=samples.astype("float32"),
        sr=SAMPLE_RATE,
        n_fft=_FFT_LENGTH,
        hop_length=_HOP,
        pad_mode="reflect",
        n_mels=num_mels,
    )
    # As Whisper does, without the last frame.
    logarithm = np.log10(np.maximum(power[:, :-1], 1e-10)).T
    return (np.maximum(logarithm, logarithm.max() - 8) + 4) / 4


@functools.cache
def _from_preset(preset: str) -> keras.Model:
    kind = whisper_backbone()
    try:
        backbone = kind.from_preset(preset)
    # What KerasHub and h5py raise for what is no preset, or damaged.
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            "`teacher` must be the folder of a run, or name or folder of a whole preset of "
            f"keras_hub.models.WhisperBackbone. Received: teacher='{preset}': {error}"
        ) from error
    backbone.trainable = False
    return backbone


def _digest(model: keras.Model, layers: list[int]) -> str:
    text = json.dumps([layers, POOLING, [list(v.shape) for v in model.variables]])
    found = hashlib.sha256(text.encode())
    for variable in model.variables:
        found.update(np.ascontiguousarray(keras.ops.convert_to_numpy(variable)).tobytes())
    return found.hexdigest()[:12]
