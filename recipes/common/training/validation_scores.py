"""How good the model is on the validation split, after every epoch."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from recipes.common.protocol.task import Decided, Task
from recipes.common.scoring.windows import mean_scores
from recipes.common.training.optimizer import without_scaling


class ValidationScores(keras.callbacks.Callback):
    """Adds metrics of the validation split to the logs of every epoch: `val_ua`, `val_loss`, ...

    They are of what is decided about, not of windows: a clip's scores are the weighted mean
    over its windows, as when the model is used.

    Args:
        scored: `scored_model` of the backbone that is trained.
        inputs: Its input for all windows of all validation clips: arrays, or a data set, in which
            more may follow.
        clips: `(windows,)`: the clip that each window belongs to.
        weights: `(windows,)`: what each window weighs.
        decide: Of scores `(clips, outputs)` what is true of the decisions, what is said, and their
            scores.
        task: What is decided.
        metrics: Which of its `figures`; `None`: all.
        batch_size: Windows at once, if the input is arrays.
    """

    def __init__(
        self,
        scored,
        inputs,
        clips,
        weights,
        decide,
        task: Task,
        *,
        metrics=None,
        batch_size: int = 32,
    ):
        super().__init__()
        self._scored = scored
        self._inputs, self._decide = inputs, decide
        self._clips, self._weights = clips, weights
        self._task, self._metrics = task, metrics or tuple(task.figures)
        is_data_set = isinstance(inputs, keras.utils.PyDataset)
        self._batch_size = None if is_data_set else batch_size

    def on_epoch_end(self, epoch, logs=None):
        with averaged_weights(self.model):
            logits = self.logits()
        if not np.isfinite(logits).all():
            raise ValueError(
                f"Training has diverged in epoch {epoch + 1}: the loss is {logs['loss']}, and the "
                "model's scores are no numbers. Choose a lower `learning_rate`, or a `clip_norm`, "
                "and another run folder"
            )
        # In training, outputs have another scale.
        factor, offset = self._task.scale
        truth, predicted, scores = self.decided(factor * logits + offset)
        found = self._task.evaluate(truth, predicted, scores)
        for name in self._metrics:
            logs[f"val_{name}"] = getattr(found, name)
        logs["val_loss"] = self._task.validation_loss(truth, scores)

    def logits(self) -> np.ndarray:
        """`(windows, outputs)`: what the model says now."""
        logits = self._scored.predict(self._inputs, batch_size=self._batch_size, verbose=0)
        return logits[: len(self._clips)]

    def decided(self, logits: np.ndarray) -> Decided:
        """What is decided with such outputs of a trained model."""
        scores = mean_scores(self._task.scores(logits), self._clips, self._weights)
        return self._decide(scores)


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within it the model has the averages of its weights, if its optimiser keeps them."""
    if not without_scaling(model.optimizer).use_ema:
        yield
        return
    variables = [*model.trainable_variables, *model.optimizer.variables]
    values = [keras.ops.convert_to_numpy(variable) for variable in variables]
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    try:
        yield
    finally:
        # Keras swaps by adding and subtracting, which doesn't give the same weights back.
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
