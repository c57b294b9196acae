"""What the ablations of a comparison are, as settings of a recipe."""

import math
from collections.abc import Callable
from typing import Any

import keras

from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import create_backbone
from recipes.compare.planning.ablation_settings import CHANGES

# What makes a backbone's feed-forward networks wider, and two values between which the number of
# parameters is a straight line.
_WIDTHS = {"haffformer": ("feed_forward_ratio", 1, 2)}
_WIDTH = ("feed_forward_units", 64, 128)


def settings_of(
    ablation: str,
    settings: RecipeSettings,
    *,
    num_classes: int,
    num_mels: int,
    frames: int,
    cost: Callable[[], float],
) -> RecipeSettings:
    """The settings that an ablation runs with.

    Args:
        ablation: Of `recipes.compare.planning.grid.Ablation`; empty: none.
        settings: Of the HRF that it is compared with.
        num_classes: Number of classes.
        num_mels: Mel bands of the features.
        frames: Length of the model's window.
        cost: Gives how many times as long a step with HRF takes as a plain one.
    """
    changes = dict(CHANGES[ablation])
    if ablation == "longer":
        # Longer at least by what was measured; not shorter where a step with HRF is the faster.
        changes["epochs"] = math.ceil(settings.epochs * max(1.0, cost()))
    elif ablation == "wider":
        options = _as_many_parameters(settings, num_classes, num_mels, frames)
        changes["backbone_options"] = {**settings.backbone_options, **options}
    return settings.model_copy(update=changes)


def _as_many_parameters(
    settings: RecipeSettings, num_classes: int, num_mels: int, frames: int
) -> dict[str, int]:
    """The width of plain feed-forward networks with which a model trains as many parameters."""

    def count(**changes: Any) -> int:
        changed = settings.model_copy(update={"frames": frames, **changes})
        model = create_backbone(changed, num_classes=num_classes, num_mels=num_mels)
        return sum(math.prod(weight.shape) for weight in model.trainable_weights)

    name, low, high = _WIDTHS.get(settings.backbone, _WIDTH)
    counts = {
        width: count(expansion=0, backbone_options={**settings.backbone_options, name: width})
        for width in (low, high)
    }
    keras.utils.clear_session()
    each = (counts[high] - counts[low]) / (high - low)
    return {name: max(round(low + (count() - counts[low]) / each), 1)}
