"""The turns of a dialog, as EmoEvaluation/<dialog>.txt lists them."""

import dataclasses
import re
import reprlib
from pathlib import Path

from recipes.common.preparation.problems import MALFORMED_LINE, UNKNOWN_LABEL, Problem
from recipes.iemocap.labels import LABELS

# A block begins with this line. As many lines as it has raters follow, with comments of theirs.
_TURN = re.compile(
    r"\[(\d+\.\d+)\s+-\s+(\d+\.\d+)\]\t"
    r"(?P<name>(?P<dialog>Ses0(?P<session>[1-5])[FM]_(?:impro\d{2}[ab]?|script\d{2}_\d[ab]?))"
    r"_(?P<letter>[FM])\d{3})\t"
    r"(?P<label>[a-z]{3})\t"
    r"\[(?P<valence>\d\.\d+),\s*(?P<activation>\d\.\d+),\s*(?P<dominance>\d\.\d+)\]\s*"
)


@dataclasses.dataclass(frozen=True)
class Turn:
    """One turn.

    Attributes:
        name: As in `"Ses01F_impro01_M003"`.
        dialog: As in `"Ses01F_impro01"`.
        session: `"1"` to `"5"`.
        letter: `"F"` or `"M"`: who speaks. The one in the dialog's name says whose movements
            were recorded; both speak in every dialog.
        label: As the file has it: `"exc"` stays.
        valence: Mean of the raters, from 1 to 5, as the file has it; likewise the next two.
        activation: How active.
        dominance: How dominant.
    """

    name: str
    dialog: str
    session: str
    letter: str
    label: str
    valence: str
    activation: str
    dominance: str


def read_turns(path: Path) -> tuple[list[Turn], list[Problem]]:
    """The turns of a file in its order, and what is wrong with it."""
    # Comments are in any one-byte encoding. Lines end where the format's do: `splitlines` would
    # cut a comment at a control character.
    lines = path.read_text(encoding="latin-1").split("\n")
    turns, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.startswith("["):
            continue
        where = f"{path}:{number}"
        match = _TURN.fullmatch(line)
        if match is None:
            expected = "'[START - END]', turn, emotion and '[V, A, D]', separated by tabs"
            what = f"expected {expected}. Received: {reprlib.repr(line)}"
            problems.append(Problem(MALFORMED_LINE, where, what))
        elif match["dialog"] != path.stem:
            what = f"the turn '{match['name']}' is of another dialog"
            problems.append(Problem(MALFORMED_LINE, where, what))
        elif match["label"] not in LABELS:
            what = f"'{match['label']}' of '{match['name']}' is none of {', '.join(LABELS)}"
            problems.append(Problem(UNKNOWN_LABEL, where, what))
        else:
            turn = {field.name: match[field.name] for field in dataclasses.fields(Turn)}
            turns.append(Turn(**turn))
    return turns, problems
