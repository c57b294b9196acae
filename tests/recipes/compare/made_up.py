"""Made-up results of grids: never measured, never to be shown as results."""

import zlib

import numpy as np

from recipes.compare.tables.decision_count import DecisionCount
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.overview import ComparedCorpus, Overview
from recipes.compare.tables.run_result import RunResult
from recipes.compare.tables.tables import Tables

LABELS = ("anger", "joy", "sadness", "neutral")
PLAIN = {
    "corpus": "emodb",
    "backbone": "conv_transformer",
    "size": "light",
    "expansion": 0,
    "factors": 2,
    "optimizer": "adamw",
    "learning_rate": 1,
    "ablation": "",
    "seed": 1,
    "fold": "1",
    "select_on": "ua",
    "epochs": 3,
    "chosen_epoch": 2,
    "val_ua": 0.5,
    "val_wa": 0.5,
    "val_wf1": 0.5,
    "val_macro_f1": 0.5,
    "parameters_training": 153_076,
    "parameters_merged": 153_076,
    "macs": 31_000_000,
    "int8_bytes": 212_345,
    "int8_milliseconds": None,
    "float_milliseconds": None,
    "seconds": 60.5,
    "clips_per_second": 100,
}


def run_result(**changes) -> RunResult:
    """A run whose id follows from what it is."""
    values = {**PLAIN, **changes}
    identity = [values[name] for name in list(PLAIN)[:10]]
    identity += [values[name] for name in ("quantizer", "variant") if name in changes]
    key = repr(identity).encode()
    number = zlib.crc32(key) + (zlib.crc32(key[::-1]) << 16)
    return RunResult(**{"run": f"{number:012x}"[:12], **values})


def decided(of: RunResult, speakers, *, form="keras", labels=("a", "b")) -> list[DecisionCount]:
    """Decisions from `{speaker: confusion matrix}`."""
    return [
        DecisionCount(
            run=of.run,
            form=form,
            speaker=speaker,
            label=labels[row],
            prediction=labels[column],
            count=int(count),
        )
        for speaker, confusion in speakers.items()
        for (row, column), count in np.ndenumerate(np.array(confusion))
        if count
    ]


def tables(runs, *, labels=("a", "b"), planned=None, corpora=None, epochs=3) -> Tables:
    """Tables of pairs (run, {speaker: confusion matrix}); the int8 file decides likewise."""
    runs = list(runs)
    corpora = corpora or {
        name: ComparedCorpus(title=name.title(), labels=labels)
        for name in dict.fromkeys(each.corpus for each, _ in runs)
    }
    return Tables(
        runs=[each for each, _ in runs],
        decisions=[
            row
            for each, speakers in runs
            for form in ("keras", "int8")
            for row in decided(each, speakers, form=form, labels=corpora[each.corpus].labels)
        ],
        curves=[
            Epoch(run=each.run, epoch=i, loss=1 / i, val_loss=1.2 / i, val_ua=0.5)
            for each, _ in runs
            for i in range(1, epochs + 1)
        ],
        grid=Overview(
            corpora=corpora,
            settings={"seeds": [1, 2]},
            runs=planned or len(runs),
            environment={"keras": "3.15.1"},
        ),
    )


def lifelike(
    conditions, *, corpus="emodb", folds=5, seeds=5, speakers=2, labels=LABELS, seed=0, epochs=3
):
    """Runs with noise of speakers, folds and seeds.

    Args:
        conditions: Dictionaries of changes to a run, with `skill` and, if need be, `seeds`.
    """
    for condition in conditions:
        condition = dict(condition)
        skill, count = condition.pop("skill"), condition.pop("seeds", seeds)
        for fold in range(1, folds + 1):
            for number in range(1, count + 1):
                rng = np.random.default_rng(
                    [seed, fold, number, zlib.crc32(repr(condition).encode())]
                )
                confusions = {}
                for who in range(speakers):
                    name = f"s{fold}{who}"
                    of_speaker = np.random.default_rng([seed, fold, who])
                    right = np.clip(
                        of_speaker.normal(skill, 0.08) + rng.normal(0, 0.02), 0.05, 0.98
                    )
                    clips = of_speaker.integers(8, 20, len(labels))
                    confusion = np.zeros((len(labels),) * 2, int)
                    for row, n in enumerate(clips):
                        hits = rng.binomial(n, right)
                        confusion[row] = rng.multinomial(
                            n - hits, np.full(len(labels), 1 / len(labels))
                        )
                        confusion[row, row] += hits
                    confusions[name] = confusion
                value = float(np.clip(rng.normal(skill, 0.03), 0, 1))
                yield (
                    run_result(
                        corpus=corpus,
                        fold=str(fold),
                        seed=number,
                        epochs=epochs,
                        chosen_epoch=2,
                        val_ua=value,
                        **condition,
                    ),
                    confusions,
                )
