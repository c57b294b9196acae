"""The backbone that the settings describe."""

import keras

import keras_reparam as kr
from recipes.common.settings import RecipeSettings


def create_backbone(
    settings: RecipeSettings, *, num_classes: int, num_mels: int, dtype: str = "float32"
) -> keras.Model:
    """Features to logits, with HRF if the settings say so, and with random weights.

    Raises:
        ValueError: If the backbone has no such size or option.
    """
    try:
        light = kr.models.create(
            settings.backbone,
            size=settings.size,
            num_classes=num_classes,
            num_mels=num_mels,
            frames=settings.frames,
            dtype=dtype,
            **settings.backbone_options,
        )
    except TypeError as error:
        raise ValueError(f"`backbone_options` must be those of the backbone: {error}") from error
    if not settings.expansion:
        return light
    names = ("expansion", "factors", "folded", "frozen_factors")
    return kr.expand(light, kr.HRF(**{name: getattr(settings, name) for name in names}))
