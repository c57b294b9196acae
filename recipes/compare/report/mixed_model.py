"""The difference of two conditions by a linear mixed model of speakers' scores, by statsmodels."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from recipes.common.protocol.task import Task
from recipes.common.results.intervals import CONFIDENCE, FEWEST_SPEAKERS
from recipes.compare.report.scores import ScoredRun
from recipes.compare.report.significance import DECIMALS
from recipes.compare.tables.decision_count import KERAS


def mixed_difference(
    pairs: Sequence[tuple[ScoredRun, ScoredRun]], task: Task, figure: str
) -> tuple[float, tuple[float, float]] | None:
    """How much higher the first runs of pairs score than the second, on a speaker of a fold.

    With the figure of each speaker's own clips, `d` its difference of a pair's two runs:

        d[fold, speaker, seed] = difference + a[fold] + b[speaker] + noise

    with normal `a`, `b` and noise, fitted by restricted maximum likelihood. Since it is fitted to
    paired differences, what a speaker or a fold adds to both scores falls out, and `a` and `b` are
    what the difference itself is there: other speakers and folds than these are meant. Every
    speaker counts the same. `a` is left out if a fold has a single speaker or there is one fold.

    Args:
        pairs: Runs of the same fold and seed.
        task: What was told of the clips.
        figure: Of the task's `counted`.

    Returns:
        The difference and its 95 % interval (Wald); `None` with fewer than three speakers, of one
        seed alone, if all differences are the same, or if the model can't be fitted.

    Reference:

    - Pinheiro and Bates, "Mixed-Effects Models in S and S-PLUS", 2000, section 1.5 (nested
      grouping).
    """
    frame = _differences(pairs, task, figure)
    speakers = frame.speaker.nunique()
    # Of one value each, speakers can't be told from noise.
    if speakers < FEWEST_SPEAKERS or len(frame) == speakers or frame.difference.nunique() < 2:
        return None
    nested = frame.fold.nunique() > 1 and bool((frame.groupby("fold").speaker.nunique() > 1).all())
    levels = {"groups": "fold", "vc_formula": {"speaker": "0 + C(speaker)"}} if nested else {}
    model = MixedLM.from_formula(
        "difference ~ 1", frame, **{"groups": "speaker", "re_formula": "1", **levels}
    )
    with warnings.catch_warnings():
        # A variance of zero, at its bound, is what many differences have.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Random effects covariance is singular", UserWarning)
        try:
            found = model.fit(reml=True)
        except np.linalg.LinAlgError:
            return None
    low, high = found.conf_int(alpha=1 - CONFIDENCE).loc["Intercept"]
    ends = (float(low), float(high))
    return (float(found.params["Intercept"]), ends) if np.isfinite(ends).all() else None


def _differences(
    pairs: Sequence[tuple[ScoredRun, ScoredRun]], task: Task, figure: str
) -> pd.DataFrame:
    """Rows of fold, seed, speaker and difference, where both runs have a figure."""
    rows = []
    for first, second in pairs:
        for speaker in sorted(first.confusions[KERAS].keys() & second.confusions[KERAS].keys()):
            both = (run.confusions[KERAS][speaker] for run in (first, second))
            with np.errstate(invalid="ignore", divide="ignore"):
                one, other = (float(task.figures_of(tally)[figure]) for tally in both)
            rows.append((*first.pair, speaker, round(one - other, DECIMALS)))
    frame = pd.DataFrame(rows, columns=["fold", "seed", "speaker", "difference"])
    return frame.dropna()
