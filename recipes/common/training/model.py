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
from recipes.common.training.distillation import CosineDistillation, TeacherFeatures, with_features


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
        inputs = features, mask = _inputs(backbone)
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
    other = TeacherFeatures(teacher)(features, mask=mask)
    return keras.Model(inputs, CosineDistillation(teacher_weight)([logits, own, other]))


def scored_model(backbone: keras.Model) -> keras.Model:
    """`backbone` as the training model has it, of features and mask, without what is around it."""
    features, mask = _inputs(backbone)
    return keras.Model([features, mask], backbone(features, mask=mask))


def _inputs(backbone: keras.Model) -> list[keras.KerasTensor]:
    features = keras.Input(backbone.input_shape[1:], name="features")
    return [features, keras.Input(backbone.input_shape[1:2], dtype="bool", name="mask")]


def _augmented(waveform, seed: int):
    for number, layer in enumerate((RandomSpeed, RandomTimeShift, RandomNoise, RandomGain)):
        waveform = layer(seed=seed + number)(waveform)
    return waveform
