"""The segments of both corpora."""

from pathlib import Path

from recipes.common.recipe import Prepared
from recipes.crema_d.manifest import read as read_crema_d
from recipes.emodb.manifest import read as read_emodb


def read(data: Path) -> Prepared:
    """EmoDB's clips, then CREMA-D's, as their own recipes list them.

    Args:
        data: The folder that holds both corpora's: `emodb` and `crema_d`.

    Raises:
        FileNotFoundError: If there are no clips of one of them.
    """
    found = [read_emodb(data), read_crema_d(data)]
    return Prepared(
        [segment for corpus in found for segment in corpus.segments],
        [count for corpus in found for count in corpus.counts],
        [problem for corpus in found for problem in corpus.problems],
    )
