"""Things that are wrong with a corpus's files: all are listed, then some may be an error."""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from rich.console import Console

from recipes.common.files.rows import write_rows

MISSING_AUDIO = "missing audio"
UNREADABLE_AUDIO = "unreadable audio"
UNKNOWN_LABEL = "unknown label"
MALFORMED_LINE = "malformed line"
# Kinds that any corpus may have.
KINDS = (MISSING_AUDIO, UNREADABLE_AUDIO, UNKNOWN_LABEL, MALFORMED_LINE)

# How many of each kind are shown on the screen.
_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong with the data; the segment that it concerns, if any, is left out.

    Attributes:
        kind: One of `KINDS`, or one of a recipe's own.
        where: A path, or `file:line`.
        what: What is wrong.
    """

    kind: str
    where: str
    what: str


def option_of(kind: str) -> str:
    """The option that allows problems of this kind."""
    return f"--allow-{kind.replace(' ', '-')}"


def report_problems(problems: Iterable[Problem], listing: Path, console: Console) -> None:
    """Shows the first problems of each kind, and writes all of them to the CSV `listing`.

    Without problems, the listing of a former run is removed.
    """
    by_kind: dict[str, list[Problem]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    if not by_kind:
        listing.unlink(missing_ok=True)
        return
    listing.parent.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in dataclasses.fields(Problem)]
    write_rows(
        listing, columns, (dataclasses.asdict(p) for found in by_kind.values() for p in found)
    )
    for kind, found in by_kind.items():
        lines = [f"  {problem.where}: {problem.what}" for problem in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"  ... and {len(found) - _SHOWN:,} more: {listing}")
        text = "\n".join([f"{kind}: {len(found):,}", *lines])
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def check_problems(
    problems: Sequence[Problem],
    *,
    allowed: Collection[str],
    optional: Collection[str],
    listing: Path,
) -> None:
    """Raises a `ValueError` if there are problems of a kind that isn't allowed.

    Args:
        problems: What was found.
        allowed: Kinds that are no error.
        optional: Kinds that an option would allow.
        listing: Where `report_problems` has written them.
    """
    kinds = [kind for kind in dict.fromkeys(p.kind for p in problems) if kind not in allowed]
    if not kinds:
        return
    counts = [f"{sum(p.kind == kind for p in problems):,} x {kind}" for kind in kinds]
    ways = ["mend the corpus"]
    options = [option_of(kind) for kind in kinds if kind in optional]
    if options:
        ways.append(f"leave out what they concern ({' '.join(options)})")
    raise ValueError(
        f"The corpus has problems: {', '.join(counts)}. All are listed in '{listing}'; "
        f"{', or '.join(ways)}."
    )
