"""What a run of this recipe depends on."""

from pathlib import Path
from typing import Annotated

import pydantic

from recipes.common.settings import Count, TrainingSettings

RUN = Path("runs") / "quantization"
SHORT_DATA = Path(__file__).parents[1] / "data" / "emodb4"
BACKBONES = ("conv_transformer", "conformer", "speechformer")


class Settings(TrainingSettings):
    """The recipe: models good enough that their scores say something, in little time.

    Attributes:
        data: Folder with `emodb/emodb.csv`, or with `emodb4.csv`.
        backbones: Names of `keras_reparam.models.list()`, size light.
        folds: Number of groups of speakers; each is held out once.
        limit: Largest number of clips of each emotion of each speaker, for a trial. `None`: all.
        speeds: Training clips are heard at one of these speeds (Ko et al., Interspeech 2015).
    """

    data: Path
    backbones: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = BACKBONES
    folds: Annotated[int, pydantic.Field(ge=2)] = 2
    limit: Count | None = None
    epochs: Count = 30
    batch_size: Count = 16
    expansion: Count = 4
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    # XLA on a CPU took longer to compile these, and longer for a step.
    xla: bool = False
