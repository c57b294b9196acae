"""What a run on both corpora depends on."""

from typing import Any, Literal

from recipes.common.settings import Count, NotNegative, RecipeSettings

# No level and no offset in the features, and twenty milliseconds from one to the next.
_FRONT_END = {
    **{"level_normalization": True, "remove_dc_offset": True, "log_offset": 1e-5},
    **{"hop_length": 320, "frame_length": 512},
}
_BACKBONE = {"pooling": "mean_std"}


class JointSettings(RecipeSettings):
    """Settings of all recipes. The defaults, with a teacher, are those of the shipped model.

    They were chosen on training and validation speakers.
    """

    epochs: Count = 60
    front_end: dict[str, Any] = _FRONT_END
    backbone_options: dict[str, Any] = _BACKBONE
    copies: int = 2
    select_on: Literal["ua", "wa", "wf1", "macro_f1", "last"] = "last"
    teacher_weight: NotNegative = 2.0
    teacher_share: float = 0.7
