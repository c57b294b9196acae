"""What a run on EmoDB depends on."""

from typing import ClassVar, Literal

from recipes.common.settings import Count, RecipeSettings


class EmodbSettings(RecipeSettings):
    """Settings of all recipes, and EmoDB's own.

    Attributes:
        task: The emotion, or the speaker's sex, or age in years.
        classes: All 7 emotions, or 4: anger, happiness, neutral, sadness.
    """

    kinds: ClassVar = {"age": "regression"}

    task: Literal["emotion", "sex", "age"] = "emotion"
    classes: Literal[4, 7] = 7
    # 385 clips: more steps, and more epochs, than for a large corpus.
    epochs: Count = 80
    batch_size: Count = 16
