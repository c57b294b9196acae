"""The backbone that the settings describe."""

import keras

import keras_reparam as kr
from recipes.common.settings import RecipeSettings


def create_backbone(
    settings: RecipeSettings,
    *,
    num_classes: int,
    num_mels: int,
    dtype: str = "float32",
    start: keras.Model | None = None,
) -> keras.Model:
    """Features to logits, with HRF, a quantizer and pruning if the settings say so.

    Args:
        settings: The recipe.
        num_classes: Of the logits.
        num_mels: Of the features.
        dtype: Policy of the layers.
        start: A plain backbone of the same settings, whose weights it gets, without those of the
            classifier if `settings.start` is a file; `None`: random ones.

    Raises:
        ValueError: If the backbone has no such size or option, `start` is another one, or it
            cannot be pruned to the latency.
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
    if start is not None:
        _copy_weights(start, light, settings)
    if settings.expansion:
        names = ("expansion", "factors", "folded", "frozen_factors")
        light = kr.expand(light, kr.HRF(**{name: getattr(settings, name) for name in names}))
    if settings.quantizer is not None:
        # Of random weights or random input, by how much a function changes says nothing.
        light = kr.quantize_aware(light, settings.quantizer, verbose=False)
    if settings.prune_latency is None:
        return light
    table = settings.prune_table
    return kr.prune(light, latency=settings.prune_latency, table=table, verbose=False)


def scale_outputs(backbone: keras.Model, factor: float, offset: float = 0.0) -> None:
    """Makes of every output `factor * output + offset`, by kernel and bias of the last layer.

    Args:
        backbone: Of `create_backbone`, in any training form: its last layer is plain in all.
        factor: Above 0.
        offset: What is added.
    """
    classifier = backbone.get_layer("classifier")
    kernel, bias = classifier.get_weights()
    classifier.set_weights([factor * kernel, factor * bias + offset])


def _copy_weights(start: keras.Model, light: keras.Model, settings: RecipeSettings) -> None:
    theirs, own = (_to_start_from(model, settings) for model in (start, light))
    if [each.shape for each in theirs] != [each.shape for each in own]:
        raise ValueError(
            "`start` must be a model with the same `backbone`, `size` and `backbone_options`. "
            f"Received: start='{settings.start}', a {type(start).__name__} of "
            f"{start.count_params():,} parameters, for a {type(light).__name__} of "
            f"{light.count_params():,}"
        )
    for variable, value in zip(own, theirs, strict=True):
        variable.assign(value)


def _to_start_from(model: keras.Model, settings: RecipeSettings) -> list[keras.Variable]:
    own = model.get_layer("classifier").weights if settings.starts_from_file else []
    return [each for each in model.weights if not any(each is other for other in own)]
