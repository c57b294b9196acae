"""What a training that was stopped needs to go on as if it had not been."""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from keras_reparam._utils.files import written_beside
from recipes.common.files.disk import explaining_a_full_disk


def write_variables(path: Path, variables: Sequence[keras.Variable], about: dict) -> None:
    """Writes the variables' values and `about` into one `.npz` file, whole or not at all.

    Raises:
        OSError: If the disk is full; what was there before is still there.
    """
    values = {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    text = json.dumps({"count": len(variables), "about": about})
    with (
        explaining_a_full_disk(f"the checkpoint '{path}'"),
        written_beside(path) as beside,
        beside.open("wb") as file,
    ):
        np.savez(file, meta=np.array(text), **values)
        file.flush()
        os.fsync(file.fileno())


def read_variables(path: Path, variables: Sequence[keras.Variable]) -> dict:
    """Gives the variables the values that were written; returns `about`.

    Raises:
        ValueError: If the file is damaged, or of other variables.
    """
    try:
        # NumPy leaves a file open that it can't read.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            meta = json.loads(str(file["meta"]))
            values = [file[str(i)] for i in range(meta["count"])]
    # What a damaged file makes zipfile raise: of its own, and of the formats it takes it for.
    except (
        *(OSError, ValueError, KeyError, EOFError),
        *(zipfile.BadZipFile, NotImplementedError, RuntimeError),
    ) as error:
        raise ValueError(
            f"'{path}' is damaged; delete its folder to begin anew: {error}"
        ) from error
    if [tuple(v.shape) for v in variables] != [value.shape for value in values]:
        raise ValueError(
            f"'{path}' was written by another model or version; delete its folder to begin anew"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return meta["about"]
