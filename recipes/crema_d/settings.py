"""What a run on CREMA-D depends on."""

from typing import Literal

from recipes.common.settings import Count, RecipeSettings


class CremaDSettings(RecipeSettings):
    """Settings of all recipes, and CREMA-D's own.

    Attributes:
        classes: All 6 emotions, or 4: anger, happiness, neutral, sadness.
    """

    classes: Literal[4, 6] = 6
    epochs: Count = 30
