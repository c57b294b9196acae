"""A model from waveform to logits, and its parts."""

import keras

from keras_reparam.audio import LogMel


class WaveformModel:
    """A merged model `waveform -> backbone(log_mel(waveform))`, as recipes save it.

    Args:
        model: The model.

    Attributes:
        model: The model.
        log_mel: Its front end.
        backbone: Features to logits.
        window: Samples that it takes at once.
        num_classes: Number of logits.

    Raises:
        ValueError: If it is not made so.
    """

    def __init__(self, model: keras.Model):
        front_ends = [layer for layer in model.layers if isinstance(layer, LogMel)]
        if len(front_ends) != 1 or not isinstance(model.layers[-1], keras.Model):
            raise ValueError(
                "Expected a model of one `LogMel` layer and a backbone, as "
                "`keras_reparam.models.with_front_end` makes it. Received: "
                f"'{model.name}' with the layers {[layer.name for layer in model.layers]}"
            )
        self.model = model
        (self.log_mel,) = front_ends
        self.backbone = model.layers[-1]
        self.window = model.input_shape[1]
        self.num_classes = model.output_shape[1]
