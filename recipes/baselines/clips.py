"""Who trains, validates and tests: the shipped model's own speakers."""

from pathlib import Path

from recipes.common.manifest import limited
from recipes.common.protocol.clips import Clips
from recipes.joint.recipe import RECIPE as JOINT


def load_clips(data: Path, limit: int | None = None) -> Clips:
    """Reads both corpora's names.

    Args:
        data: The folder that holds `emodb` and `crema_d`.
        limit: At most so many clips of each emotion, of a fold of CREMA-D and a speaker of EmoDB.

    Raises:
        FileNotFoundError: If there are no clips of one of them.
        ValueError: If the clips are not as they are published, or a split is empty.
    """
    prepared, settings = JOINT.read(data), JOINT.settings()
    if prepared.problems:
        raise ValueError(
            f"The clips in '{data}' must be as they are published. Received: "
            f"{len(prepared.problems)} problems; `python -m recipes joint prepare` lists them"
        )
    segments = limited(prepared.segments, limit, by=("fold", "label"))
    (fold,) = JOINT.folds_of(segments, settings)
    used = [example.segments[0] for split in fold.splits.values() for example in split]
    return Clips(JOINT.task_of(settings, segments), used, fold)
