"""Batches for training: stored features, augmented."""

import keras
import numpy as np

from keras_reparam.audio import LogMel
from recipes.common.settings import TrainingSettings


def with_gain(features: np.ndarray, decibels: float, log_offset: float) -> np.ndarray:
    """Log-mel features of the waveform made louder, exactly: no need to compute them again."""
    power = np.maximum(np.exp(features) - log_offset, 0) * 10 ** (decibels / 10)
    return np.log(power + log_offset)


def shifted(features: np.ndarray, bands: int) -> np.ndarray:
    """Features moved up by some mel bands, the outermost one repeated: another vocal tract."""
    mels = features.shape[1]
    return features[:, np.clip(np.arange(mels) - bands, 0, mels - 1)]


class TrainingBatches(keras.utils.PyDataset):
    """Batches `((features, mask), classes, weights)`, in another order in every epoch.

    A clip comes at a random speed, loudness and height; of one longer than the window a random
    stretch. The rarer a class, the more its clips weigh.

    Args:
        features: What `features_at_speeds` gave.
        log_mel: The front end, adapted; its mean and deviation normalise them.
        truth: `(clips,)`: class indices.
        num_classes: Number of classes.
        settings: The recipe.
    """

    def __init__(
        self, features, log_mel: LogMel, truth, num_classes: int, settings: TrainingSettings
    ):
        super().__init__()
        self._features, self._truth = features, np.asarray(truth)
        self._log_offset = log_mel.log_offset
        self._mean = np.asarray(keras.ops.convert_to_numpy(log_mel.mean))
        self._std = np.asarray(keras.ops.convert_to_numpy(log_mel.std))
        self._targets = np.eye(num_classes, dtype="float32")
        counts = np.bincount(self._truth, minlength=num_classes)
        self._weights = (len(self._truth) / num_classes / np.maximum(counts, 1)).astype("float32")
        self._settings = settings
        self._epoch = 0
        self._shuffle()

    def __len__(self):
        return -(-len(self._truth) // self._settings.batch_size)

    def __getitem__(self, index):
        size = self._settings.batch_size
        clips = self._order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._settings.seed, self._epoch, index))
        features, mask = zip(*(self._window(clip, rng) for clip in clips), strict=True)
        targets = self._targets[self._truth[clips]]
        return (np.stack(features), np.stack(mask)), targets, targets @ self._weights

    def on_epoch_end(self):
        self._epoch += 1
        self._shuffle()

    def _shuffle(self):
        rng = np.random.default_rng((self._settings.seed, self._epoch))
        self._order = rng.permutation(len(self._truth))

    def _window(self, clip: int, rng) -> tuple[np.ndarray, np.ndarray]:
        versions = self._features[clip]
        found = versions[rng.integers(len(versions))]
        frames = self._settings.frames
        start = rng.integers(max(len(found.mask) - frames, 0) + 1)
        values, mask = (part[start : start + frames] for part in (found.values, found.mask))
        gain, bands = self._settings.gain, self._settings.shift
        values = with_gain(values, rng.uniform(-gain, gain), self._log_offset)
        values = shifted((values - self._mean) / self._std, rng.integers(-bands, bands + 1))
        after = frames - len(mask)
        return np.pad(values, ((0, after), (0, 0))), np.pad(mask, (0, after))
