"""`decisions.csv`: what was decided about every speaker's clips of the headline test split."""

from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.run_result import RunId, Word

# Forms: the merged model in Keras, or a kind of file.
KERAS, INT8, INT4 = "keras", "int8", "int4_dynamic"


@dataclass(frozen=True, kw_only=True)
class DecisionCount:
    """An entry of a confusion matrix; those of zero are left out.

    Attributes:
        run: Whose model decided.
        form: `"keras"`, or the kind of a file, as `"int8"`.
        speaker: Who speaks.
        label: The true class.
        prediction: The predicted class.
        count: Number of decisions.
    """

    run: RunId
    form: Word
    speaker: str
    label: str
    prediction: str
    count: Count
