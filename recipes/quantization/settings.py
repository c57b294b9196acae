"""What a run of this recipe depends on."""

import dataclasses
from pathlib import Path

from recipes.common.settings import TrainingSettings

RUN = Path("runs") / "quantization"
SHORT_DATA = Path(__file__).parents[1] / "data" / "emodb4"
BACKBONES = ("conv_transformer", "conformer", "speechformer")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(TrainingSettings):
    """The recipe: models good enough that their scores say something, in little time.

    Attributes:
        data: Folder with `emodb/emodb.csv`, or with `emodb4.csv`.
        backbones: Names of `keras_reparam.models.list()`, size light.
        folds: Number of groups of speakers; each is held out once.
        limit: Largest number of clips of each emotion of each speaker, for a trial. `None`: all.
    """

    data: Path
    backbones: tuple[str, ...] = BACKBONES
    folds: int = 2
    limit: int | None = None
    epochs: int = 30
    batch_size: int = 16

    def __post_init__(self):
        super().__post_init__()
        if self.folds < 2:
            raise ValueError(f"`folds` must be at least 2. Received: folds={self.folds}")
        if not self.backbones:
            raise ValueError("`backbones` must name at least one backbone. Received: none")
