"""What a training depends on, in every recipe."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Augmentation, optimiser and schedule.

    Attributes:
        epochs: Passes over the training clips.
        seed: Of weights, order, crops and augmentation.
        expansion: HRF expansion of the first layer of each feed-forward network.
        frames: Length of the model's window in frames of 10 ms.
        batch_size: Clips in a step.
        learning_rate: Highest learning rate, after the warm-up.
        warm_up: Share of the steps in which the learning rate rises; then it falls as a cosine.
        weight_decay: Of AdamW.
        label_smoothing: Of the cross-entropy.
        speeds: Training clips are heard at one of these speeds (Ko et al., Interspeech 2015).
        gain: And up to so many decibels louder or softer.
        shift: And with all mel bands moved up or down by up to so many.
    """

    epochs: int = 40
    seed: int = 1
    expansion: int = 4
    frames: int = 400
    batch_size: int = 32
    learning_rate: float = 2e-3
    warm_up: float = 0.1
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    gain: float = 6.0
    shift: int = 2

    def __post_init__(self):
        for name in ("epochs", "expansion"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must be from 0 to 2**32 - 1. Received: seed={self.seed}")
