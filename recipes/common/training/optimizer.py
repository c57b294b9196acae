"""The optimiser of a training."""

import functools
import math

import keras

from keras_reparam._utils.one_vector import OneVector
from recipes.common.settings import TrainingSettings
from recipes.common.training.distribution import replicas
from recipes.common.training.gradients import GradientNorms, WholeGradients


def optimizer_of(
    settings: TrainingSettings, steps: int, *, norms: bool = False
) -> keras.optimizers.Optimizer:
    """The settings' optimiser, whose learning rate rises, and falls as a cosine.

    In float16 it scales the loss: Keras does so by itself only where the whole model's policy is
    `mixed_float16`, not where its layers' is.

    Args:
        settings: The recipe.
        steps: Steps of an epoch.
        norms: Whether it keeps the gradients' norms: then it is a `GradientNorms`, or scales the
            loss for one.
    """
    total = steps * settings.epochs
    rising = math.ceil(settings.warm_up * total)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - rising, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=rising,
    )
    copies, clip_norm = replicas(), settings.clip_norm
    shared = {
        "learning_rate": rate,
        "weight_decay": settings.weight_decay,
        "clipnorm": clip_norm and clip_norm / copies,
        "use_ema": settings.ema is not None,
        "ema_momentum": settings.ema or 0.0,
    }
    if settings.optimizer == "sgd":
        kind, own = keras.optimizers.SGD, {"momentum": settings.momentum}
    else:
        kind, own = keras.optimizers.AdamW, {}
    # JAX compiles the step as a whole anyway.
    joined = keras.backend.backend() == "tensorflow" and copies == 1 and settings.ema is None
    if settings.precision != "mixed_float16":
        return _with(kind, whole=copies > 1, norms=norms, joined=joined)(**own, **shared)
    # Whether a step is left out must be asked of the gradient that all devices share.
    scaled = _with(keras.optimizers.LossScaleOptimizer, whole=copies > 1)
    return scaled(_with(kind, norms=norms, joined=joined)(**own, **shared))


def without_scaling(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """What moves the weights: the optimiser itself, or the one for which it scales the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


@functools.cache
def _with(kind: type, *, whole: bool = False, norms: bool = False, joined: bool = False) -> type:
    """The class of an optimiser with the mixins, under its own name."""
    mixins = [WholeGradients] * whole + [GradientNorms] * norms + [OneVector] * joined
    return type(kind.__name__, (*mixins, kind), {}) if mixins else kind
