"""What a run on EmoDB depends on."""

from typing import Literal

from recipes.common.settings import Count, RecipeSettings


class EmodbSettings(RecipeSettings):
    """Settings of all recipes, and EmoDB's own.

    Attributes:
        classes: All 7 emotions, or 4: anger, happiness, neutral, sadness.
    """

    classes: Literal[4, 7] = 7
    # 385 clips: more steps, and more epochs, than for a large corpus.
    epochs: Count = 80
    batch_size: Count = 16
