"""How much longer a training step with HRF takes than a plain one."""

import keras
import numpy as np

from keras_reparam._utils.turns import take_turns
from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import create_backbone

_ROUNDS, _WARM_UP = 15, 3


def cost_of_expansion(
    settings: RecipeSettings, *, num_classes: int, num_mels: int, frames: int
) -> float:
    """Median ratio of the times of a training step with HRF and of a plain one.

    The two take turns, so that whatever else the machine does falls on both alike.

    Args:
        settings: Of the run with HRF.
        num_classes: Number of classes.
        num_mels: Mel bands of the features.
        frames: Length of the model's window.
    """
    rng = np.random.default_rng(0)
    features = rng.normal(size=(settings.batch_size, frames, num_mels)).astype("float32")
    classes = rng.integers(num_classes, size=settings.batch_size)
    steps = []
    for expansion in (settings.expansion, 0):
        changed = settings.model_copy(update={"expansion": expansion, "frames": frames})
        model = create_backbone(
            changed, num_classes=num_classes, num_mels=num_mels, dtype=settings.precision
        )
        model.compile(
            settings.optimizer,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=settings.xla,
        )
        steps.append(lambda model=model: model.train_on_batch(features, classes))
    seconds = take_turns(steps, _ROUNDS, _WARM_UP, description="Cost of HRF")
    keras.utils.clear_session()
    return float(np.median(seconds[:, 0] / seconds[:, 1]))
