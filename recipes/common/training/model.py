"""The models of a training: a backbone, and what is around it while it trains."""

import keras

from keras_reparam.audio import (
    LogMel,
    RandomGain,
    RandomNoise,
    RandomSpeed,
    RandomTimeShift,
    SpecAugment,
)
from recipes.common.settings import TrainingSettings
from recipes.common.training.distillation import CosineDistillation, with_features


def training_model(
    backbone: keras.Model,
    settings: TrainingSettings,
    *,
    waveforms_to: LogMel | None = None,
    teacher: keras.Model | None = None,
    teacher_weight: float = 1.0,
) -> keras.Model:
    """`backbone` behind what augments its input, with what adds to its loss.

    Args:
        backbone: Features to logits; shared with the result.
        settings: The recipe.
        waveforms_to: The front end, if waveforms are augmented and their features computed anew;
            `None`: the input is features and mask.
        teacher: Another backbone for the same features, which stays as it is.
        teacher_weight: Of the distance from its features in the loss.
    """
    if waveforms_to is None:
        features = keras.Input(backbone.input_shape[1:], name="features")
        mask = keras.Input(backbone.input_shape[1:2], dtype="bool", name="mask")
        inputs = [features, mask]
    else:
        samples = backbone.input_shape[1] * waveforms_to.hop_length
        inputs = keras.Input((samples,), name="waveform")
        waveform = _augmented(inputs, settings.seed)
        features, mask = waveforms_to(waveform), waveforms_to.compute_mask(waveform)
    if settings.spec_augment:
        features = SpecAugment(seed=settings.seed)(features, mask=mask)
    if teacher is None:
        return keras.Model(inputs, backbone(features, mask=mask))
    logits, own = with_features(backbone)(features, mask=mask)
    _, other = with_features(teacher)(features, mask=mask, training=False)
    return keras.Model(inputs, CosineDistillation(teacher_weight)([logits, own, other]))


def _augmented(waveform, seed: int):
    for number, layer in enumerate((RandomSpeed, RandomTimeShift, RandomNoise, RandomGain)):
        waveform = layer(seed=seed + number)(waveform)
    return waveform
