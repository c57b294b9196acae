"""The optimiser of a training."""

import math

import keras

from recipes.common.settings import TrainingSettings


def optimizer_of(settings: TrainingSettings, steps: int) -> keras.optimizers.Optimizer:
    """The settings' optimiser, whose learning rate rises, and falls as a cosine.

    Args:
        settings: The recipe.
        steps: Steps of an epoch.
    """
    total = steps * settings.epochs
    rising = math.ceil(settings.warm_up * total)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - rising, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=rising,
    )
    shared = {
        "learning_rate": rate,
        "weight_decay": settings.weight_decay,
        "clipnorm": settings.clip_norm,
        "use_ema": settings.ema is not None,
        "ema_momentum": settings.ema or 0.0,
    }
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=settings.momentum, **shared)
    return keras.optimizers.AdamW(**shared)
