"""`decisions.csv`: what was decided about every speaker's clips of the headline test part."""

from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.cell_result import CellId, Word

# Forms: the merged model in Keras, or a kind of file.
KERAS, INT8 = "keras", "int8"


@dataclass(frozen=True, kw_only=True)
class DecisionCount:
    """An entry of a confusion matrix; those of zero are left out.

    Attributes:
        cell: Whose model decided.
        form: `"keras"`, or the kind of a file, as `"int8"`.
        speaker: Who speaks.
        label: The true class.
        prediction: The predicted class.
        count: Number of decisions.
    """

    cell: CellId
    form: Word
    speaker: str
    label: Word
    prediction: Word
    count: Count
