"""What a run of the quickstart depends on."""

import dataclasses
from pathlib import Path

from recipes.common.settings import TrainingSettings

DATA = Path(__file__).parents[1] / "data" / "emodb4"
RUN = Path("runs") / "quickstart"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(TrainingSettings):
    """The recipe; chosen on training and validation speakers.

    Attributes:
        data: Folder with the manifest `emodb4.csv` and the clips.
        limit: Largest number of clips of each emotion in each split, for a trial. `None`: all.
        dropout: Rate of the backbone's dropouts.
        norm_first: Whether the encoder layers are pre-norm.
    """

    data: Path = DATA
    limit: int | None = None
    dropout: float = 0.1
    norm_first: bool = True

    def __post_init__(self):
        super().__post_init__()
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"`limit` must be at least 1. Received: limit={self.limit}")
