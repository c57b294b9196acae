"""Learning from a large model's features."""

import keras
from keras import ops

from recipes.common.training.observed import observed, of_any_length


class CosineDistillation(keras.layers.Layer):
    """Passes logits on; adds `weight * mean(1 - cos(projection(own), other))` to the loss.

    `own` and `other` are a model's and its teacher's features of the same clips before their
    classifiers; the projection, linear and trained with the model, gives the one the other's
    width. Only directions count: a small model can't have a large one's scale. The idea is that
    of the optimal feature distillation of TernaryLLM.

    Args:
        weight: Of the added loss.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        inputs: Logits `(batch, classes)`, own features `(batch, units)`, and the teacher's
            `(batch, teacher_units)`.
        training: Whether to add anything.

    Reference:
        Chen et al., TernaryLLM, 2024, arXiv 2406.07177.
    """

    def __init__(self, weight: float, **kwargs):
        super().__init__(**kwargs)
        self._weight = weight

    def build(self, input_shape):
        _, own, other = input_shape
        self.projection = keras.layers.Dense(other[-1], dtype="float32", name="projection")
        self.projection.build(own)

    def call(self, inputs, training=False):
        logits, own, other = inputs
        if training:
            projected = ops.normalize(self.projection(ops.cast(own, "float32")), axis=-1)
            other = ops.stop_gradient(ops.normalize(ops.cast(other, "float32"), axis=-1))
            cosine = ops.sum(projected * other, axis=-1)
            self.add_loss(self._weight * ops.mean(1 - cosine))
        return logits

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class TeacherFeatures(keras.layers.Layer):
    """Features of a trained model before its classifier, as when it is used.

    That is a layer because a functional model hands `training=True` on to all of its parts,
    whatever was said when they were put together: dropout would change the teacher.

    Args:
        teacher: The backbone.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        features: As of the backbone.
        mask: As of the backbone.
    """

    def __init__(self, teacher: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self._model = of_any_length(observed(teacher, []))
        self.supports_masking = True

    def call(self, features, mask=None):
        return self._model(features, mask=mask, training=False)[1]

    def compute_mask(self, features, previous_mask=None):
        return None
