"""What a run of the quickstart depends on."""

from pathlib import Path
from typing import Any, Literal

import pydantic

from recipes.common.settings import LEVEL_FREE, Count, Positive, RecipeSettings, Share

DATA = Path(__file__).parents[1] / "data" / "emodb4"
MANIFEST = "emodb4.csv"
RUN = Path("runs") / "quickstart"


class Settings(RecipeSettings):
    """The recipe; chosen on training and validation speakers.

    Attributes:
        data: Folder with the manifest `emodb4.csv` and the clips.
        limit: Largest number of clips of each emotion in each split, for a trial. `None`: all.
    """

    data: Path = DATA
    limit: Count | None = None
    expansion: Count = 4
    front_end: dict[str, Any] = LEVEL_FREE
    speeds: list[Positive] = pydantic.Field(default=[0.9, 1.0, 1.1], min_length=1)
    tempo: Share = 0.0
    xla: bool | Literal["auto"] = "auto"
