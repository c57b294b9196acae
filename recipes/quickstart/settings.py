"""What a run of the quickstart depends on."""

from pathlib import Path

from recipes.common.settings import Count, Share, TrainingSettings

DATA = Path(__file__).parents[1] / "data" / "emodb4"
RUN = Path("runs") / "quickstart"


class Settings(TrainingSettings):
    """The recipe; chosen on training and validation speakers.

    Attributes:
        data: Folder with the manifest `emodb4.csv` and the clips.
        crema_d: Folder of CREMA-D, whose clips of the same emotions come along; `None`: none.
        limit: Largest number of clips of each emotion in each split of a corpus, for a trial.
            `None`: all.
        dropout: Rate of the backbone's dropouts.
        norm_first: Whether the encoder layers are pre-norm.
        speeds: Training clips are heard at one of these speeds (Ko et al., Interspeech 2015).
    """

    data: Path = DATA
    crema_d: Path | None = None
    limit: Count | None = None
    expansion: Count = 4
    dropout: Share = 0.1
    norm_first: bool = True
    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
