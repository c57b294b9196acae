"""What a corpus has of each label."""

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from recipes.common.manifest import Segment


def label_table(clips: Mapping[Segment, float]) -> Table:
    """A row for each label, and one for all: how many clips and speakers, how many hours.

    Args:
        clips: Segments, and their lengths in seconds.
    """
    table = Table(title="Labels", title_justify="left")
    table.add_column("label", overflow="fold")
    for name in ("clips", "speakers", "hours"):
        table.add_column(name, justify="right")
    # Where another column is the target, there may be none.
    for label in sorted({segment.label for segment in clips} - {""}):
        _add(table, label, [item for item in clips.items() if item[0].label == label])
    table.add_section()
    _add(table, "all", clips.items())
    return table


def _add(table: Table, name: str, clips: Iterable[tuple[Segment, float]]) -> None:
    segments, seconds = zip(*clips, strict=True)
    speakers = {segment.speaker for segment in segments}
    hours = sum(seconds) / 3600
    table.add_row(Text(name), f"{len(segments):,}", f"{len(speakers):,}", f"{hours:,.3f}")
