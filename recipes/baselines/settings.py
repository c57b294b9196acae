"""What a run of this comparison depends on."""

from pathlib import Path
from typing import Any, Literal

import pydantic

from recipes.common.settings import Count, RecipeSettings

RUN = Path("runs") / "baselines"
# The table, in its folder.
RESULTS = "results.md"
# Who is compared, by the names of `--only`, the package's own file first.
OURS, LIGHT_SERNET, EGEMAPS, WHISPER = "ours", "light_sernet", "egemaps", "whisper"
NAMES = (OURS, LIGHT_SERNET, EGEMAPS, WHISPER)
# As published: 40 cepstral coefficients of frames of 64 ms, 16 ms apart, 80 to 7600 Hz; three
# seconds at once.
_FRONT_END = {
    **{"frame_length": 1024, "fft_length": 1024, "hop_length": 256, "window": "hamming"},
    **{"num_mels": 128, "fmin": 80.0, "fmax": 7600.0},
}
_FRAMES = 188


class Settings(RecipeSettings):
    """How the network like Light-SERNet is trained: as the shipped model, without its teacher.

    Attributes:
        limit: Largest number of clips of each emotion of a fold of CREMA-D, and of a speaker of
            EmoDB, for a trial. `None`: all.
    """

    backbone: Literal["light_sernet"] = "light_sernet"  # pyright: ignore
    size: str = "published"
    backbone_options: dict[str, Any] = pydantic.Field(default={}, max_length=0)
    expansion: int = pydantic.Field(default=0, ge=0, le=0)
    front_end: dict[str, Any] = _FRONT_END
    frames: Count | None = _FRAMES
    epochs: Count = 15
    copies: int = pydantic.Field(default=2, ge=0)
    limit: Count | None = None
