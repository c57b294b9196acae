"""What a run on CREMA-D depends on."""

from typing import ClassVar, Literal

from recipes.common.settings import Count, RecipeSettings


class CremaDSettings(RecipeSettings):
    """Settings of all recipes, and CREMA-D's own.

    Attributes:
        task: The emotion that was acted; the actor's sex, or age in years, if VideoDemographics.csv
            lies beside the audio; how intense the emotion was acted, where that was asked for; or
            the shares of people who heard each emotion, if tabulatedVotes.csv lies beside, too.
        classes: All 6 emotions, or 4: anger, happiness, neutral, sadness.
    """

    kinds: ClassVar = {"age": "regression"}

    task: Literal["emotion", "sex", "age", "intensity", "votes"] = "emotion"
    classes: Literal[4, 6] = 6
    epochs: Count = 30
