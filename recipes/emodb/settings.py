"""What a run on EmoDB depends on."""

from typing import Literal

from recipes.common.settings import RecipeSettings


class EmodbSettings(RecipeSettings):
    """Settings of all recipes, and EmoDB's own.

    Attributes:
        classes: All 7 emotions, or 4: anger, happiness, neutral, sadness.
    """

    classes: Literal[4, 7] = 7
