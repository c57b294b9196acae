"""From IEMOCAP's annotations to segments."""

from pathlib import Path

from recipes.common.manifest import Segment
from recipes.common.preparation.problems import MALFORMED_LINE, Problem
from recipes.common.recipe import Prepared
from recipes.iemocap.counts import counts_of
from recipes.iemocap.labels import MERGED
from recipes.iemocap.turns import Turn, read_turns

_SESSIONS = tuple(f"Session{number}" for number in range(1, 6))
_SEX = {"F": "female", "M": "male"}


def read(data: Path) -> Prepared:
    """All turns with their labels, sorted by name; a fold is a session.

    Raises:
        FileNotFoundError: If no session's annotations are in `data`.
    """
    files = [path for session in _SESSIONS for path in _dialogs(data / session)]
    if not files:
        raise FileNotFoundError(
            "Expected IEMOCAP's folders Session1 to Session5, with the annotations in "
            f"Session1/dialog/EmoEvaluation/*.txt. Received: '{data}' without any"
        )
    found: dict[str, Turn] = {}
    problems = []
    for path in files:
        turns, wrong = read_turns(path)
        problems += wrong
        for turn in turns:
            if turn.name in found:
                what = f"the turn '{turn.name}' is there twice; the first one counts"
                problems.append(Problem(MALFORMED_LINE, str(path), what))
            found.setdefault(turn.name, turn)
    segments = [_segment(found[name]) for name in sorted(found)]
    return Prepared(segments, counts_of(found.values()), problems)


def _dialogs(session: Path) -> list[Path]:
    """The dialogs' files. Folders beside them hold single raters' files, which are not read."""
    found = sorted((session / "dialog" / "EmoEvaluation").glob("*.txt"))
    # "._" is what macOS writes beside a file for its attributes.
    return [path for path in found if path.is_file() and not path.name.startswith("._")]


def _segment(turn: Turn) -> Segment:
    return Segment(
        id=turn.name,
        path=f"Session{turn.session}/sentences/wav/{turn.dialog}/{turn.name}.wav",
        start=None,
        end=None,
        speaker=f"Ses0{turn.session}{turn.letter}",
        sex=_SEX[turn.letter],
        label=MERGED.get(turn.label, turn.label),
        split="",
        fold=turn.session,
        session=turn.session,
        text_id=turn.dialog,
        more=tuple((name, getattr(turn, name)) for name in ("valence", "activation", "dominance")),
    )
