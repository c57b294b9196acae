"""DAIC-WOZ, as the commands need it."""

from recipes.common.recipe import Recipe
from recipes.daic_woz.about import FACTS
from recipes.daic_woz.errata import ERRATA
from recipes.daic_woz.manifest import BEHIND_THE_RECORDING, MISSING_TRANSCRIPT, read
from recipes.daic_woz.protocol import examples_of, folds_of, notes_of, task_of
from recipes.daic_woz.settings import DaicWozSettings

RECIPE = Recipe(
    name="daic_woz",
    facts=FACTS,
    read=read,
    settings=DaicWozSettings,
    task_of=task_of,
    folds_of=folds_of,
    examples_of=examples_of,
    notes_of=notes_of,
    options={
        "--no-erratum": {
            "action": "append",
            "default": [],
            "choices": tuple(ERRATA),
            "metavar": "NAME",
            "help": "do not apply an erratum; can be given several times. Names: "
            + "; ".join(f"{name}: {what}" for name, what in ERRATA.items()),
        }
    },
    kinds=(MISSING_TRANSCRIPT,),
    # A cut recording is no reason to leave out the others, or the rest of it.
    as_published=(BEHIND_THE_RECORDING,),
)
