"""What a run on both corpora depends on."""

from typing import Any, Literal

from recipes.common.settings import LEVEL_FREE, MEAN_STD, Count, NotNegative, RecipeSettings

# Nor what a microphone or a telephone does to all frames of a clip alike.
_FRONT_END = {**LEVEL_FREE, "utterance_mean": True}


class JointSettings(RecipeSettings):
    """Settings of all recipes. The defaults, with a teacher, are those of the shipped model.

    They were chosen on training and validation speakers.
    """

    epochs: Count = 90
    front_end: dict[str, Any] = _FRONT_END
    backbone_options: dict[str, Any] = MEAN_STD
    copies: int = 3
    select_on: Literal["ua", "wa", "wf1", "macro_f1", "last"] = "last"
    teacher_weight: NotNegative = 2.0
    teacher_share: float = 0.7
