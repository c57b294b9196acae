"""Trains a backbone on batches of stored features."""

import math

import keras
from rich.console import Console

from keras_reparam.audio import SpecAugment
from recipes.common.batches import TrainingBatches
from recipes.common.settings import TrainingSettings
from recipes.common.training import ProgressBar


def fit(
    backbone: keras.Model,
    batches: TrainingBatches,
    settings: TrainingSettings,
    console: Console,
    *,
    callbacks: list[keras.callbacks.Callback] | None = None,
    jit_compile: bool | str = "auto",
) -> dict[str, list[float]]:
    """Trains `backbone` (features to logits) with SpecAugment; returns the history of each log.

    Args:
        backbone: Trained in place.
        batches: What it is trained on.
        settings: Optimiser and schedule.
        console: Where the progress bar is drawn.
        callbacks: Further ones, called before the progress bar.
        jit_compile: As in `keras.Model.compile`.
    """
    model = _training_model(backbone, settings)
    _compile(model, len(batches), settings, jit_compile)
    with ProgressBar(console, settings.epochs) as bar:
        return model.fit(
            batches, epochs=settings.epochs, callbacks=[*(callbacks or []), bar], verbose=0
        ).history


def _training_model(backbone: keras.Model, settings: TrainingSettings) -> keras.Model:
    features = keras.Input(backbone.input_shape[1:], name="features")
    mask = keras.Input(backbone.input_shape[1:2], dtype="bool", name="mask")
    augmented = SpecAugment(seed=settings.seed)(features, mask=mask)
    return keras.Model([features, mask], backbone(augmented, mask=mask))


def _compile(
    model: keras.Model, steps: int, settings: TrainingSettings, jit_compile: bool | str
) -> None:
    total = steps * settings.epochs
    rising = math.ceil(settings.warm_up * total)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - rising, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=rising,
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        ),
        jit_compile=jit_compile,
    )
    # Where the first step makes its variables, TensorFlow traces that step twice.
    model.optimizer.build(model.trainable_variables)
