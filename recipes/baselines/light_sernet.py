"""A network built from the published description of Light-SERNet."""

import keras
from keras import layers

from keras_reparam.models.backbone import Backbone, policy_of
from recipes.baselines.cepstrum import Cepstrum
from recipes.baselines.settings import Settings

_COEFFICIENTS = 40
# Time by frequency.
_PATHS = ((11, 1), (1, 9), (3, 3))
_PATH_FILTERS = 32
# Of each block: filters, and by how much pooling shortens time and frequency.
_BLOCKS = ((64, (2, 2)), (96, (2, 2)), (128, (2, 1)), (160, (2, 1)))
_LAST_FILTERS = 320
_DROPOUT = 0.3


@keras.saving.register_keras_serializable(package="keras_reparam.recipes")
class LightSernet(Backbone):
    """Log-mel features to logits, by way of their cepstrum.

    Three convolutions side by side, over time, over frequency and over both; five blocks of a
    convolution, batch normalization, ReLU and average pooling, of which the last one pools over
    all; dropout; a linear classifier.

    Args:
        num_classes: Number of logits.
        num_mels: Bands of the features.
        frames: Length of the window.
        dtype: Policy of the layers. `None`: the global one.
        name: Name of the model.
        trainable: Whether its weights are trained.

    Input shape:
        `(batch, frames, num_mels)`.

    Output shape:
        `(batch, num_classes)`.

    Reference:
        Aftab et al., Light-SERNet: A lightweight fully convolutional neural network for speech
        emotion recognition, ICASSP 2022, https://arxiv.org/abs/2110.03435.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_mels: int,
        frames: int,
        dtype=None,
        name: str = "light_sernet",
        trainable: bool = True,
    ):
        policy = policy_of(dtype)
        features = keras.Input((frames, num_mels), name="features", dtype="float32")
        cepstrum = Cepstrum(_COEFFICIENTS, dtype=policy, name="cepstrum")(features)
        paths = [
            _pooled(_convolved(cepstrum, _PATH_FILTERS, kernel, policy, bias=True), (2, 2), policy)
            for kernel in _PATHS
        ]
        x = layers.Concatenate(dtype=policy)(paths)
        for filters, pool in _BLOCKS:
            x = _pooled(_convolved(x, filters, (3, 3), policy), pool, policy)
        x = _convolved(x, _LAST_FILTERS, (1, 1), policy)
        x = layers.GlobalAveragePooling2D(dtype=policy)(x)
        x = layers.Dropout(_DROPOUT, dtype=policy)(x)
        logits = layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        arguments = {"num_classes": num_classes, "num_mels": num_mels, "frames": frames}
        super().__init__(
            features, logits, arguments=arguments, policy=policy, name=name, trainable=trainable
        )


def create(settings: Settings, *, num_classes: int, num_mels: int, dtype, **_: None) -> LightSernet:
    """The network as `train_fold` asks for it, with random weights."""
    assert settings.frames is not None
    return LightSernet(
        num_classes=num_classes, num_mels=num_mels, frames=settings.frames, dtype=dtype
    )


def _convolved(x, filters: int, kernel: tuple[int, int], policy, *, bias: bool = False):
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=bias, dtype=policy)(x)
    return layers.ReLU(dtype=policy)(layers.BatchNormalization(dtype=policy)(x))


def _pooled(x, pool: tuple[int, int], policy):
    return layers.AveragePooling2D(pool, padding="same", dtype=policy)(x)
