"""What a run on both corpora depends on."""

from typing import Literal

from recipes.common.settings import CHANCES, Chance, Change, Count, NotNegative, RecipeSettings

_CHANCES: dict[Change, Chance] = {**CHANCES, "babble": 0.5}
del _CHANCES["suppression"]


class JointSettings(RecipeSettings):
    """Settings of all recipes. The defaults, with a teacher, are those of the shipped model.

    They were chosen on training and validation speakers: of both corpora together noise suppression
    gained nothing, and more babble did.
    """

    epochs: Count = 90
    copies: int = 3
    chances: dict[Change, Chance] = _CHANCES
    select_on: Literal["ua", "wa", "wf1", "macro_f1", "last"] = "last"
    teacher_weight: NotNegative = 2.0
    teacher_share: float = 0.7
