"""The backbone that the settings describe."""

import keras

import keras_reparam as kr
from keras_reparam.benchmarks.chained_hrf_dense import chain
from keras_reparam.layers.hrf_layer import HRFLayer
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
    return kr.expand(light, expansion=settings.expansion, factors=settings.factors)


def control(backbone: keras.Model, settings: RecipeSettings) -> None:
    """Makes an expanded backbone train in the way of the settings' controls, in place.

    Its weights stay as they are, in their order: they are those of a backbone without controls.
    """
    if settings.frozen_factors:
        for layer in backbone._flatten_layers(include_self=False):
            if isinstance(layer, HRFLayer):
                trained = (_whole_factor(layer), "bias")
                for weight in layer.weights:
                    weight.trainable = weight.name in trained
    if not settings.folded:
        chain(backbone)


def _whole_factor(layer: HRFLayer) -> str:
    """The factor that `kr.expand` has put the kernel into; the others are orthonormal.

    Trained alone, it can make the product any matrix.
    """
    shapes = {weight.name: weight.shape for weight in layer.weights}
    rows, rank = shapes["factor_1"][-2:]
    return f"factor_{layer.factors}" if rank >= rows else "factor_1"
