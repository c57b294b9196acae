"""What a run of this recipe depends on."""

from pathlib import Path
from typing import Annotated, Literal

import pydantic

from recipes.common.settings import Backbone, Count, Positive, RecipeSettings, Share

RUN = Path("runs") / "quantization"
SHORT_DATA = Path(__file__).parents[1] / "data" / "emodb4"
BACKBONES = ("conv_transformer", "conformer", "speechformer")


class Settings(RecipeSettings):
    """The recipe: models good enough that their scores say something, in little time.

    No speaker validates, and no epoch is chosen: the held-out speakers have no part in anything
    that training decides.

    Attributes:
        data: Folder with `emodb/emodb.csv`, or with `emodb4.csv`.
        backbones: What is trained, of the size light, each with its own learning rate and options.
        folds: Number of groups of speakers; each is held out once.
        limit: Largest number of clips of each emotion of each speaker, for a trial. `None`: all.
    """

    data: Path
    backbones: Annotated[tuple[Backbone, ...], pydantic.Field(min_length=1)] = BACKBONES
    folds: Annotated[int, pydantic.Field(ge=2)] = 2
    limit: Count | None = None
    epochs: Count = 30
    batch_size: Count = 16
    expansion: Count = 4
    select_on: Literal["last"] = "last"
    speeds: list[Positive] = pydantic.Field(default=[0.9, 1.0, 1.1], min_length=1)
    tempo: Share = 0.0

    def of(self, backbone: str, fold: int) -> "Settings":
        """Those of one training, with what the backbone trains best with."""
        own = self.model_dump(exclude={"backbone", "backbone_options", "learning_rate", "seed"})
        return Settings(**own, backbone=backbone, seed=self.seed + fold)
