"""The models of a training: a backbone, and what is around it while it trains."""

import keras
from keras import ops

from keras_reparam.audio import (
    LogMel,
    RandomGain,
    RandomNoise,
    RandomSpeed,
    RandomTimeShift,
    SpecAugment,
)
from recipes.common.settings import RecipeSettings
from recipes.common.training.distillation import CosineDistillation, TeacherFeatures
from recipes.common.training.latent_teacher import WithoutQuantizers
from recipes.common.training.layer_distillation import LayerDistillation, LayerOutputs
from recipes.common.training.observed import encoder_layers, observed, of_any_length

# The longest stretch of time that SpecAugment takes out: 0.4 s, its 40 frames of 10 ms.
_MASKED_SAMPLES = 40 * 160


def training_model(
    backbone: keras.Model,
    settings: RecipeSettings,
    *,
    waveforms_to: LogMel | None = None,
    teacher: keras.Model | None = None,
    start: keras.Model | None = None,
    components: int | None = None,
) -> keras.Model:
    """`backbone` behind what augments its input, with what adds to its loss.

    Args:
        backbone: Features to logits; shared with the result.
        settings: The recipe.
        waveforms_to: The front end, if waveforms are augmented and their features computed anew;
            `None`: the input is features and mask.
        teacher: Another backbone for the same features, which stays as it is.
        start: What the backbone was made of, which stays as it is: the teacher of its layers.
        components: Size of a further input, the features of another teacher; `None`: there is none.

    Returns:
        A model of logits; with a latent teacher of those with the quantizers and without, as
        `LatentTeacherLoss` takes them.
    """
    if waveforms_to is None:
        inputs = features, mask = _inputs(None, backbone.input_shape[-1])
    else:
        samples = backbone.input_shape[1] * waveforms_to.hop_length
        inputs = keras.Input((samples,), name="waveform")
        waveform = _augmented(inputs, settings.seed)
        features, mask = waveforms_to(waveform), waveforms_to.compute_mask(waveform)
    if settings.spec_augment:
        width = round(_MASKED_SAMPLES / settings.hop_length)
        features = SpecAugment(time_width=width, seed=settings.seed)(features, mask=mask)
    other = None
    if components is not None:
        other = keras.Input((components,), name="teacher")
        inputs = [*inputs, other] if isinstance(inputs, list) else [inputs, other]
    elif teacher is not None:
        other = TeacherFeatures(teacher)(features, mask=mask)
    logits = _taught(backbone, features, mask, settings, other, start)
    if settings.latent_teacher:
        latent = WithoutQuantizers(backbone)(features, mask=mask)
        logits = ops.stack([logits, latent], axis=1)
    return keras.Model(inputs, logits)


def _taught(
    backbone: keras.Model,
    features: keras.KerasTensor,
    mask: keras.KerasTensor,
    settings: RecipeSettings,
    other: keras.KerasTensor | None,
    start: keras.Model | None,
) -> keras.KerasTensor:
    """Logits, behind the layers that compare with teachers."""
    if other is None and not settings.layer_teacher_weight:
        return of_any_length(backbone)(features, mask=mask)
    names = encoder_layers(backbone) if settings.layer_teacher_weight else []
    watched = of_any_length(observed(backbone, names))
    logits, own, sequences, masks = watched(features, mask=mask)
    if other is not None:
        logits = CosineDistillation(settings.teacher_weight)([logits, own, other])
    if names:
        others = LayerOutputs(start, names)(features, mask=mask)
        distillation = LayerDistillation(settings.layer_teacher_weight)
        logits = distillation([logits, sequences, others, masks])
    return logits


def scored_model(backbone: keras.Model) -> keras.Model:
    """`backbone` as the training model has it, of features and mask, without what is around it."""
    features, mask = _inputs(*backbone.input_shape[1:])
    return keras.Model([features, mask], backbone(features, mask=mask))


def _inputs(frames: int | None, mels: int) -> list[keras.KerasTensor]:
    features = keras.Input((frames, mels), name="features")
    return [features, keras.Input((frames,), dtype="bool", name="mask")]


def _augmented(waveform, seed: int):
    for number, layer in enumerate((RandomSpeed, RandomTimeShift, RandomNoise, RandomGain)):
        waveform = layer(seed=seed + number)(waveform)
    return waveform
