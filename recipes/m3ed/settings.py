"""What a run on M3ED depends on."""

from typing import Literal

from recipes.common.settings import RecipeSettings


class M3edSettings(RecipeSettings):
    """Settings of all recipes; the weighted F1 chooses the epoch, as in published work."""

    select_on: Literal["ua", "wa", "wf1", "macro_f1"] = "wf1"
