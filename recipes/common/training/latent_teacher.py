"""A quantized model's own latent weights as its teacher."""

import keras
from keras import ops

from keras_reparam import quantizers
from recipes.common.training.observed import of_any_length


class WithoutQuantizers(keras.layers.Layer):
    """Logits of a backbone, computed with its latent kernels.

    Args:
        backbone: With quantizers; its weights are shared.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        features: As of the backbone.
        mask: As of the backbone.
        training: As of the backbone.
    """

    def __init__(self, backbone: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self._backbone = of_any_length(backbone)
        self.supports_masking = True

    def call(self, features, mask=None, training=None):
        with quantizers.switched_off():
            return self._backbone(features, mask=mask, training=training)

    def compute_mask(self, features, previous_mask=None):
        return None


class LatentTeacherLoss(keras.losses.Loss):
    """`CE(on) + CE(off) + KL(stop_gradient(off) -> on)`.

    `on` and `off` are a model's logits with its quantizers and without, of the same clips and
    weights: the real-valued weights learn the classes on their own, and the quantized model
    learns to agree with them. For any quantizer.

    Args:
        label_smoothing: Of both cross-entropies.
        **kwargs: What else every Keras loss takes.

    Call arguments:
        y_true: Targets `(batch, classes)`.
        y_pred: Logits `(batch, 2, classes)`: on, off.

    Reference:
        arXiv 2110.05850, of binary networks: that the real-valued weights take part in the
        forward pass, with a supervision of their own, is stated. The full text was not
        available: this loss is this project's reconstruction.
    """

    def __init__(self, *, label_smoothing: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self._label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        on, off = y_pred[:, 0], y_pred[:, 1]
        entropies = [
            keras.losses.categorical_crossentropy(
                y_true, logits, from_logits=True, label_smoothing=self._label_smoothing
            )
            for logits in (on, off)
        ]
        teacher = ops.log_softmax(ops.stop_gradient(off), axis=-1)
        apart = ops.sum(ops.exp(teacher) * (teacher - ops.log_softmax(on, axis=-1)), axis=-1)
        return entropies[0] + entropies[1] + apart
