"""What a run on both corpora depends on."""

from typing import Literal

from recipes.common.settings import Count, NotNegative, RecipeSettings


class JointSettings(RecipeSettings):
    """Settings of all recipes. The defaults, with a teacher, are those of the shipped model.

    They were chosen on training and validation speakers.
    """

    epochs: Count = 90
    copies: int = 3
    select_on: Literal["ua", "wa", "wf1", "macro_f1", "last"] = "last"
    teacher_weight: NotNegative = 2.0
    teacher_share: float = 0.7
