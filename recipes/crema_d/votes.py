"""What the crowd heard in CREMA-D's clips."""

from pathlib import Path

from recipes.crema_d.names import EMOTIONS
from recipes.crema_d.tables import rows_beside

# A row's number is that of the clip and 100,000 if people heard the voice alone, 200,000 if they
# saw the face alone, 300,000 for both.
_NUMBER = ""
_VOICE_ALONE = "1"
_DIGITS = 6
_CLIP = "fileName"
# A column has the first letter of its emotion.
_COLUMNS = {code[0]: emotion for code, emotion in EMOTIONS.items()}
_MOST_NAMED = 8


def read_votes(data: Path) -> dict[str, str]:
    """How many people heard which emotion in the voice alone, by clip, as in `anger:2;neutral:7`.

    From tabulatedVotes.csv in the corpus's folder or in `processedResults` there; none if it is not
    there.

    Raises:
        ValueError: If it has other columns, or what stands there are no numbers of people.
    """
    rows = rows_beside(data, "tabulatedVotes.csv", (_NUMBER, _CLIP, *_COLUMNS))
    wrong = [where for where, row in rows if not _is_count(row)]
    if wrong:
        more = f"; and {len(wrong) - _MOST_NAMED:,} more" if len(wrong) > _MOST_NAMED else ""
        raise ValueError(
            f"Every row must begin with {_DIGITS} digits and have a number of people for each of "
            f"{', '.join(_COLUMNS)}, not zero for all. Received: others in "
            f"{'; '.join(wrong[:_MOST_NAMED])}{more}"
        )
    return {
        row[_CLIP]: ";".join(
            f"{emotion}:{int(row[column])}"
            for column, emotion in _COLUMNS.items()
            if int(row[column])
        )
        for _, row in rows
        if row[_NUMBER].startswith(_VOICE_ALONE)
    }


def _is_count(row: dict[str, str]) -> bool:
    counts = [row[column] for column in _COLUMNS]
    number = row[_NUMBER]
    return (
        all(count.isdecimal() for count in counts)
        and any(map(int, counts))
        and number.isdecimal()
        and len(number) == _DIGITS
    )
