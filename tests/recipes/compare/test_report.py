"""The report of results whose every figure is known beforehand."""

import csv
import dataclasses
import itertools
import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import f1_score

from recipes.compare.planning.condition import natural
from recipes.compare.report import report as report_module
from recipes.compare.report.comparison import comparisons_of, points, probability, sentence
from recipes.compare.report.incomplete import alone, gaps, progress
from recipes.compare.report.report import readme_table, write_report
from recipes.compare.report.scores import groups_of
from recipes.compare.report.sensitivity import RateRange
from recipes.compare.tables.degraded_score import DegradedScore
from recipes.compare.tables.overview import ComparedCorpus
from recipes.compare.tables.tables import Tables, read_tables, write_tables
from tests.recipes.compare.made_up import decided, run_result, tables

# Two folds, one seed, three speakers; four clips of either class each.
RUNS = """\
run,corpus,backbone,size,expansion,factors,optimizer,learning_rate,ablation,seed,fold,select_on,\
epochs,chosen_epoch,val_ua,val_wa,val_wf1,val_macro_f1,parameters_training,parameters_merged,macs,\
int8_bytes,int8_milliseconds,float_milliseconds,seconds,clips_per_second
aaaaaaaaaa01,emodb,conv_transformer,light,0,2,adamw,1,,1,03,ua,9,7,.5,.5,.5,.5,100,100,5000,2000,1.5,,9,9
aaaaaaaaaa02,emodb,conv_transformer,light,0,2,adamw,1,,1,08,ua,9,7,.5,.5,.5,.5,100,100,5000,2000,2.5,,9,9
bbbbbbbbbb01,emodb,conv_transformer,light,4,2,adamw,1,,1,03,ua,9,7,.5,.5,.5,.5,900,100,5000,2000,,,9,9
bbbbbbbbbb02,emodb,conv_transformer,light,4,2,adamw,1,,1,08,ua,9,7,.5,.5,.5,.5,900,100,5000,2000,,,9,9
"""
DECISIONS = """\
run,form,speaker,label,prediction,count
aaaaaaaaaa01,keras,s1,anger,anger,2
aaaaaaaaaa01,keras,s1,anger,joy,2
aaaaaaaaaa01,keras,s1,joy,joy,2
aaaaaaaaaa01,keras,s1,joy,anger,2
aaaaaaaaaa01,keras,s2,anger,anger,3
aaaaaaaaaa01,keras,s2,anger,joy,1
aaaaaaaaaa01,keras,s2,joy,joy,1
aaaaaaaaaa01,keras,s2,joy,anger,3
aaaaaaaaaa02,keras,s3,anger,anger,1
aaaaaaaaaa02,keras,s3,anger,joy,3
aaaaaaaaaa02,keras,s3,joy,joy,4
bbbbbbbbbb01,keras,s1,anger,anger,4
bbbbbbbbbb01,keras,s1,joy,joy,2
bbbbbbbbbb01,keras,s1,joy,anger,2
bbbbbbbbbb01,keras,s2,anger,anger,3
bbbbbbbbbb01,keras,s2,anger,joy,1
bbbbbbbbbb01,keras,s2,joy,joy,2
bbbbbbbbbb01,keras,s2,joy,anger,2
bbbbbbbbbb02,keras,s3,anger,anger,2
bbbbbbbbbb02,keras,s3,anger,joy,2
bbbbbbbbbb02,keras,s3,joy,joy,2
bbbbbbbbbb02,keras,s3,joy,anger,2
bbbbbbbbbb02,int8,s3,anger,anger,4
bbbbbbbbbb02,int8,s3,joy,anger,4
"""
CURVES = "run,epoch,loss,val_loss,val_ua\n" + "".join(
    f"{name},{epoch},{1 / epoch},1.5,0.5\n"
    for name in ("aaaaaaaaaa01", "aaaaaaaaaa02", "bbbbbbbbbb01", "bbbbbbbbbb02")
    for epoch in range(1, 8)
)
GRID = {
    "corpora": {
        "emodb": {"title": "EmoDB", "labels": ["anger", "joy"], "notes": ["Acted in a studio."]}
    },
    "settings": {"expansions": [0, 4], "seeds": [1]},
    "runs": 6,
    "environment": {"keras": "3.15.1"},
}
FILES = {"runs.csv": RUNS, "decisions.csv": DECISIONS, "curves.csv": CURVES}


@pytest.fixture
def hand_made(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "grid.json").write_text(json.dumps(GRID))
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The report of the hand-made results."""
    folder = tmp_path_factory.mktemp("hand-made")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "grid.json").write_text(json.dumps(GRID))
    write_report(folder, folder / "report")
    return folder / "report"


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures are put together, but not drawn: others look at theirs."""
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: path.touch())


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def comparisons(results: Tables):
    return {each.name: each for each in comparisons_of(groups_of(results))}


def only(results: Tables):
    (found,) = comparisons_of(groups_of(results))
    return found


def test_scores_by_hand(written):
    light, hrf = rows(written / "scores.csv")
    assert (light["condition"], hrf["condition"]) == ("light", "light + HRF r=4")
    # UA of the folds: 1/2 and 5/8; 11/16 and 1/2.
    assert float(light["ua_mean"]) == pytest.approx(9 / 16)
    assert float(light["ua_deviation"]) == pytest.approx(1 / 8 / math.sqrt(2))
    assert float(hrf["ua_mean"]) == pytest.approx(19 / 32)
    assert float(hrf["ua_deviation"]) == pytest.approx(3 / 16 / math.sqrt(2))
    # Classes are equally frequent here: WA is UA.
    assert float(hrf["wa_mean"]) == pytest.approx(19 / 32)
    assert (hrf["n"], hrf["folds"], hrf["seeds"]) == ("2", "2", "1")
    # Of one fold: nothing but anger is predicted.
    assert float(hrf["int8_ua_mean"]) == 0.5
    assert hrf["int8_ua_deviation"] == ""
    assert light["int8_ua_mean"] == ""
    assert (float(light["int8_milliseconds"]), hrf["int8_milliseconds"]) == (2, "")
    assert (hrf["parameters_training"], hrf["parameters_merged"]) == ("900.0", "100.0")
    decided = [[(2 + 3, 2 + 1), (2 + 3, 2 + 1)], [(1, 3), (0, 4)]]
    for average, name in (("macro", "macro_f1"), ("weighted", "wf1")):
        expected = [
            f1_score(
                np.repeat([0, 0, 1, 1], sum(fold, ())), np.repeat([0, 1, 0, 1], sum(fold, ())),
                average=average,
            )
            for fold in decided
        ]  # fmt: skip
        assert float(light[f"{name}_mean"]) == pytest.approx(np.mean(expected))


def test_differences_by_hand(written):
    (found,) = rows(written / "differences.csv")
    assert found["comparison"] == "light + HRF r=4 minus light"
    # Of the folds: 3/16 and -1/8.
    assert [float(row["difference"]) for row in rows(written / "pairs.csv")] == [3 / 16, -1 / 8]
    assert float(found["mean"]) == pytest.approx(1 / 32)
    assert float(found["deviation"]) == pytest.approx(5 / 16 / math.sqrt(2))
    # Of the speakers: 1/4, 1/8 and -1/8, each with as many clips of either class.
    assert float(found["pooled"]) == pytest.approx(1 / 12)
    # Three times the same speaker is drawn in 3.7 % of the resamples, more than a tail of 2.5 %.
    assert (float(found["low"]), float(found["high"])) == (-1 / 8, 1 / 4)
    # Of the four ways to give ranks 1 and 2 their signs none is less extreme.
    assert (found["p"], found["corrected_p"], found["shown"]) == ("1.0", "1.0", "0")
    assert (found["smallest_p"], found["speakers"], found["seeds"]) == ("0.5", "3", "1")
    # Of one value a speaker there is nothing to fit.
    assert found["mixed"] == found["mixed_low"] == ""


def test_what_the_report_says(written):
    text = (written / "report.md").read_text()
    assert "4 of 6 planned runs are done. This is a part of the grid" in text
    assert (
        "- light + HRF r=4 minus light: +3.1 ± 22.1 points of UA over 2 pairs of fold and seed "
        "(1 seed); folds pooled +8.3, 95% interval over 3 speakers -12.5 to +25.0; p = 1, "
        "Holm-corrected over 1 comparison = 1. No difference shown (1 seed where 5 are the least; "
        "the 95% interval over speakers includes zero; Holm-corrected p = 1 is not below 0.05, and "
        "the smallest uncorrected one of 2 pairs is 0.5). Both were trained at one learning rate "
        "only (x1): this may be a comparison of learning rates." in text
    )
    assert (
        "| light + HRF r=4 | 59.4 ± 13.3 | 2 | x1 (only) | 900 | 100 | 5,000 | 2 | 50.0 | - |"
        in text
    )
    for told in ("Acted in a studio.", "Classes: anger, joy.", "share its test speakers", "3.15.1"):
        assert told in text
    assert {path.name for path in written.iterdir()} == {
        "report.md",
        *(f"{name}.{end}"
          for name in ("scores", "rates", "sensitivity", "differences", "pairs", "files")
          for end in ("csv", "tex")),
        *("differences-emodb.png", "size-emodb.png", "curves-emodb-conv_transformer.png"),
    }  # fmt: skip
    for name in ("differences-emodb", "size-emodb", "curves-emodb-conv_transformer"):
        assert f"]({name}.png)" in text


def test_readme_table(hand_made):
    text = readme_table(hand_made)
    assert "**EmoDB, conv_transformer (UA)**" in text
    assert "| condition | UA in % | n | rate |" in text
    assert "- light + HRF r=4 minus light: +3.1 points of UA over 2 pairs" in text
    assert "no difference shown (1 seed where 5 are the least;" in text
    assert "one learning rate only (x1): this may be a comparison of learning rates." in text
    assert "is called shown only if its 95% interval over speakers excludes zero" in text
    assert text.startswith("4 of 6 planned runs are done.")


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_interval_by_all_resamples(seeds):
    """Classes are not balanced within speakers, so that resamples are not means of speakers."""
    rng = np.random.default_rng(3)
    runs, by_hand = [], {0: {}, 4: {}}
    sizes = {"x": (5, 2), "y": (3, 8), "z": (6, 6)}
    for expansion, seed in itertools.product((0, 4), seeds):
        for fold, speakers in (("1", "xy"), ("2", "z")):
            confusions = {}
            for name in speakers:
                a, b = (rng.binomial(size, 0.5 + 0.1 * expansion / 4) for size in sizes[name])
                confusions[name] = [[a, sizes[name][0] - a], [sizes[name][1] - b, b]]
                by_hand[expansion][seed, name] = int(a), int(b)
            runs.append((run_result(expansion=expansion, seed=seed, fold=fold), confusions))
    found = only(tables(runs))

    def ua(expansion, seed, drawn):
        right = [sum(by_hand[expansion][seed, name][i] for name in drawn) for i in (0, 1)]
        clips = [sum(sizes[name][i] for name in drawn) for i in (0, 1)]
        return sum(Fraction(r, n) for r, n in zip(right, clips, strict=True)) / 2

    def difference(drawn):
        return float(sum(ua(4, s, drawn) - ua(0, s, drawn) for s in seeds) / len(seeds))

    assert found.pooled == pytest.approx(difference("xyz"))
    values = sorted(map(difference, itertools.product("xyz", repeat=3)))
    # The lowest and the highest value alone are more than a tail of 2.5 % each.
    assert min(values.count(values[0]), values.count(values[-1])) / 27 > 0.025
    assert found.interval == pytest.approx((values[0], values[-1]))


def right(share, speakers="uvwxyz", clips=20):
    """Confusion matrices of speakers of whom about this share of either class is right."""
    found = {}
    for number, name in enumerate(speakers):
        hits = round(clips * share) - number % 2
        found[name] = [[hits, clips - hits], [clips - hits, hits]]
    return found


def runs_of(conditions, *, folds=("1", "2"), seeds=range(1, 6), speakers=("uvw", "xyz")):
    """Each condition: (changes, function of fold's and seed's numbers that gives the share)."""
    for (changes, share), (place, fold), seed in itertools.product(
        conditions, enumerate(folds), seeds
    ):
        yield (
            run_result(**{"fold": fold, "seed": seed, **changes}),
            right(share(place, seed), speakers[place]),
        )


PLAIN, HRF = {}, {"expansion": 4}


def test_a_clear_difference():
    found = only(
        tables(runs_of([(PLAIN, lambda *_: 0.5), (HRF, lambda f, s: 0.6 + 0.05 * (s % 3))]))
    )
    assert found.is_shown
    assert found.p == pytest.approx(2 / 2**10)
    assert found.interval[0] > 0
    assert "Difference shown: light + HRF r=4 scores higher than light." in sentence(found)
    assert "one learning rate only (x1)" in sentence(found)
    short = sentence(found, short=True)
    assert short.endswith("difference shown: light + HRF r=4 scores higher than light.")


def test_a_clear_difference_to_the_worse():
    found = only(
        tables(runs_of([(PLAIN, lambda *_: 0.8), (HRF, lambda f, s: 0.6 + 0.05 * (s % 3))]))
    )
    assert found.is_shown
    assert "light + HRF r=4 scores lower than light" in sentence(found)
    assert sentence(found).startswith("light + HRF r=4 minus light: -")


def test_no_difference_at_all():
    same = [(PLAIN, lambda *_: 0.5), (HRF, lambda *_: 0.5)]
    found = only(tables(runs_of(same)))
    assert (found.p, found.corrected_p, found.interval) == (1, 1, (0, 0))
    assert sentence(found).startswith("light + HRF r=4 minus light: 0.0 ± 0.0 points of UA")
    told = "Equivalent, within ±1 point (90% interval 0.0 to 0.0); no difference shown (the 95% "
    assert told + "interval over speakers includes zero; " in sentence(found)
    # All are the same: there is nothing to fit.
    assert found.mixed is None


def test_equivalent_within_a_point():
    """Of 400 clips of a class two more are right: half a point, in every pair."""

    def compared(more):
        def runs():
            for expansion, extra in ((0, 0), (4, more)):
                for seed in range(1, 6):
                    hits = {name: 200 + place + extra for place, name in enumerate("uvw")}
                    yield (
                        run_result(expansion=expansion, seed=seed),
                        {name: [[n, 400 - n], [400 - n, n]] for name, n in hits.items()},
                    )

        return only(tables(runs()))

    half, one = compared(2), compared(4)
    assert half.narrow == pytest.approx((0.005, 0.005))
    assert half.is_equivalent and not one.is_equivalent
    doubtful = dataclasses.replace(half, differences=dict(list(half.differences.items())[:4]))
    assert not doubtful.is_equivalent
    # Five pairs are too few for Wilcoxon: no difference is shown, though it is always the same.
    assert "equivalent, within ±1 point" in sentence(half, short=True)


def test_mixed_model_of_balanced_data():
    """Speakers within folds, as often each: the analysis of variance of nested random effects."""
    rng = np.random.default_rng(7)
    folds, speakers, seeds = 4, 5, 3
    of_fold = rng.normal(0, 60, (folds, 1, 1))
    of_speaker = rng.normal(0, 40, (folds, speakers, 1))
    clips = 1000
    more = np.rint(50 + of_fold + of_speaker + rng.normal(0, 20, (folds, speakers, seeds)))
    runs = [
        (
            run_result(expansion=expansion, fold=str(fold), seed=seed + 1),
            {
                f"s{fold}{who}": [
                    [int(500 + n), int(500 - n)],
                    [int(500 - n), int(500 + n)],
                ]
                for who in range(speakers)
                for n in [more[fold, who, seed] * (expansion > 0)]
            },
        )
        for expansion in (0, 4)
        for fold in range(folds)
        for seed in range(seeds)
    ]
    value, ends = only(tables(runs)).mixed
    differences = more / clips
    between = speakers * seeds * differences.mean((1, 2)).var(ddof=1)
    half = norm.ppf(0.975) * math.sqrt(between / differences.size)
    assert value == pytest.approx(differences.mean(), abs=1e-6)
    assert ends == pytest.approx((value - half, value + half), abs=1e-4)


def test_what_is_missing_for_a_difference():
    def better(**options):
        conditions = [(PLAIN, lambda *_: 0.5), (HRF, lambda f, s: 0.6 + 0.05 * (s % 3))]
        return only(tables(runs_of(conditions, **options)))

    four = better(seeds=range(1, 5))
    assert four.doubts == ("4 seeds where 5 are the least",)
    assert four.p == pytest.approx(2 / 2**8)
    one = better(folds=("1",))
    assert one.doubts == (
        "Holm-corrected p = 0.062 is not below 0.05, and the smallest uncorrected one of 5 pairs "
        "is 0.062",
    )
    two = better(speakers=("u", "x"))
    assert two.interval is None
    assert two.doubts == ("no interval over 2 speakers where 3 are the least",)
    lone = better(folds=("1",), seeds=(1,))
    assert lone.spread.deviation is None
    assert lone.p == 1
    assert "over 1 pair of fold and seed (1 seed)" in sentence(lone)


def test_speakers_who_disagree_leave_a_doubt():
    """All pairs are better, by one speaker of three alone."""
    runs = []
    for seed in range(1, 9):
        plain = right(0.5, "uvw")
        better = {**plain, "u": [[18, 2], [2, 18]], "v": [[8, 12], [12, 8]]}
        runs += [(run_result(seed=seed), plain), (run_result(seed=seed, **HRF), better)]
    found = only(tables(runs))
    assert found.p == pytest.approx(2 / 2**8)
    assert found.doubts == ("the 95% interval over speakers includes zero",)


def test_pairs_are_what_both_have():
    conditions = [
        (PLAIN, lambda *_: 0.5),
        (HRF, lambda *_: 0.6),
        ({"size": "large", "int8_bytes": 9_000_000}, lambda *_: 0.7),
    ]
    runs = list(runs_of(conditions, seeds=(1, 2)))
    # The large one was trained with one seed; of HRF a fold is not done.
    runs = [r for r in runs if not (r[0].size == "large" and r[0].seed == 2)]
    runs = [r for r in runs if (r[0].expansion, r[0].fold, r[0].seed) != (4, "2", 1)]
    results = tables(runs, planned=12)
    found = comparisons(results)
    assert list(found) == [
        "light + HRF r=4 minus light",
        "light minus large",
        "light + HRF r=4 minus large",
    ]
    assert list(found["light + HRF r=4 minus light"].differences) == [("1", 1), ("1", 2), ("2", 2)]
    assert list(found["light minus large"].differences) == [("1", 1), ("2", 1)]
    assert list(found["light + HRF r=4 minus large"].differences) == [("1", 1)]
    # A resample may hold no speaker of the seed that has one fold alone.
    assert found["light + HRF r=4 minus light"].interval[0] > 0
    assert all(each.family == 3 for each in found.values())


def test_what_is_not_done_is_named():
    conditions = [(PLAIN, lambda *_: 0.5), (HRF, lambda *_: 0.6)]
    runs = [r for r in runs_of(conditions, seeds=(1,)) if (r[0].expansion, r[0].fold) != (4, "2")]
    runs.append((run_result(size="S", expansion=2, fold="2"), right(0.5, "xyz")))
    results = tables(runs, planned=40)
    assert progress(results).startswith("4 of 40 planned runs are done. This is a part")
    (group,) = groups_of(results)
    told = "1 of the 2 folds and seeds that are done in any condition; without (fold/seed)"
    assert gaps(group) == [f"light + HRF r=4: {told} 2/1.", f"S + HRF r=2: {told} 1/1."]
    assert alone(group, comparisons_of([group])) == ["S + HRF r=2"]


def test_conditions_without_a_common_run():
    runs = [
        (run_result(fold="1"), right(0.5, "uvw")),
        (run_result(fold="2", **HRF), right(0.6, "xyz")),
    ]
    found = only(tables(runs))
    assert found.corrected_p is None
    assert not found.is_shown
    assert sentence(found) == (
        "light + HRF r=4 minus light: nothing can be said, no fold and seed is done in both."
    )


def test_quantizers_are_compared_with_none():
    conditions = [
        (PLAIN, lambda *_: 0.5),
        ({"quantizer": "ternary"}, lambda *_: 0.6),
        ({"expansion": 4, "quantizer": "ternary"}, lambda *_: 0.6),
        ({"expansion": 4}, lambda *_: 0.6),
        ({"quantizer": "int4"}, lambda *_: 0.6),
        ({"quantizer": "int4", "variant": "taught"}, lambda *_: 0.6),
    ]
    found = comparisons(tables(runs_of(conditions, folds=("1",), seeds=(1,), speakers=("uv",))))
    assert set(found) == {
        "light, ternary minus light",
        "light, int4 minus light",
        "light, int4, taught minus light, int4",
        "light + HRF r=4 minus light",
        "light + HRF r=4, ternary minus light + HRF r=4",
        "light + HRF r=4, ternary minus light, ternary",
    }


VARIANTS = {
    "": {},
    "level": {"front_end": {"level": True}},
    "level + hop": {"front_end": {"level": True, "hop": 320}},
    "hop + copies": {"front_end": {"level": True, "hop": 320}, "copies": 2},
}


def with_degraded(uas, seeds=(1, 2)):
    """Runs of `VARIANTS`, whose UA of clips as they are, in noise and in a room is `uas`."""
    runs = [
        (run_result(fold="1", seed=seed, variant=name), {"u": [[3, 1], [1, 3]]})
        for name in reversed(VARIANTS)
        for seed in seeds
    ]
    found = tables(runs)
    grid = dataclasses.replace(found.grid, settings={"variants": VARIANTS})
    scores = [
        DegradedScore(run=run.run, condition=condition, clips=40, ua=ua)
        for run in found.runs
        for condition, ua in zip(
            ("clean", "white", "room"), uas.get((run.variant, run.seed), ()), strict=False
        )
    ]
    return dataclasses.replace(found, grid=grid, degraded=scores)


@pytest.mark.usefixtures("undrawn")
def test_what_an_ingredient_is_worth_on_degraded_clips(tmp_path):
    uas = {
        **{("", 1): (0.6, 0.3, 0.2), ("", 2): (0.5, 0.3, 0.2)},
        **{("level", 1): (0.5, 0.5, 0.4), ("level", 2): (0.6, 0.4, 0.3)},
        **{("level + hop", 1): (0.6, 0.5, 0.5), ("hop + copies", 1): (0.7, 0.6, 0.6)},
    }
    results, report = tmp_path / "results", tmp_path / "report"
    write_tables(results, with_degraded(uas))
    write_report(results, report)
    found = {row["condition"]: row for row in rows(report / "degraded.csv")}
    # In the order of the grid.
    assert list(found) == ["light", *(f"light, {name}" for name in list(VARIANTS)[1:])]
    level = found["light, level"]
    assert level["n"] == "2" and found["light, hop + copies"]["n"] == "1"
    assert float(level["clean_mean"]) == pytest.approx(0.55)
    # The mean of 0.5 and 0.4, and of 0.4 and 0.3.
    assert float(level["degraded_mean"]) == pytest.approx(0.4)
    assert float(level["degraded_deviation"]) == pytest.approx(0.1 / math.sqrt(2))
    worth = {row["comparison"]: row for row in rows(report / "degraded-differences.csv")}
    # Each against the unnamed one, and against that which it adds the least to.
    assert list(worth) == [
        *(f"light, {name} minus light" for name in list(VARIANTS)[1:]),
        "light, level + hop minus light, level",
        "light, hop + copies minus light, level + hop",
    ]
    first = worth["light, level minus light"]
    assert (first["pairs"], float(first["clean_mean"])) == ("2", pytest.approx(0, abs=1e-12))
    assert float(first["clean_deviation"]) == pytest.approx(0.2 / math.sqrt(2))
    assert float(first["degraded_mean"]) == pytest.approx(0.15)
    text = (report / "report.md").read_text()
    assert "| condition | n | clean | degraded | white | room |" in text
    told = "| light, level minus light | 2 | 0.0 ± 14.1 | +15.0 ± 7.1 | +15.0 ± 7.1 | +15.0 ± 7.1 |"
    assert told in text and told in readme_table(results)
    assert "](degraded-emodb-conv_transformer.png)" in text
    assert (report / "degraded-emodb-conv_transformer.png").is_file()


def test_ablations_are_compared_with_their_hrf():
    conditions = [
        (PLAIN, lambda *_: 0.5),
        *(({"expansion": r}, lambda *_: 0.6) for r in (2, 4)),
        ({"expansion": 4, "factors": 3}, lambda *_: 0.6),
        *(
            ({"expansion": 4, "ablation": ablation, "epochs": 4}, lambda *_: 0.6)
            for ablation in ("longer", "wider", "chained", "frozen")
        ),
        ({"size": "large"}, lambda *_: 0.6),
        ({"size": "large", "expansion": 4}, lambda *_: 0.6),
        ({"optimizer": "sgd"}, lambda *_: 0.6),
        ({"optimizer": "sgd", "expansion": 4}, lambda *_: 0.6),
    ]
    found = comparisons(tables(runs_of(conditions, folds=("1",), seeds=(1,), speakers=("uv",))))
    light, a = "light + HRF r=4, adamw", ", adamw"
    assert set(found) == {
        f"light + HRF r=2{a} minus light{a}",
        f"{light} minus light{a}",
        f"{light} minus light, longer (as r=4){a}",
        f"{light} minus light, wider (as r=4){a}",
        f"{light} minus light + HRF r=4, chained{a}",
        f"{light} minus light + HRF r=4, frozen{a}",
        f"light + HRF r=4, 3 factors{a} minus light{a}",
        f"large + HRF r=4{a} minus large{a}",
        f"light{a} minus large{a}",
        f"light + HRF r=2{a} minus large{a}",
        f"{light} minus large{a}",
        f"light + HRF r=4, 3 factors{a} minus large{a}",
        "light + HRF r=4, sgd minus light, sgd",
    }
    longer = sentence(found[f"{light} minus light, longer (as r=4){a}"])
    assert "Epochs differ: 3 for light + HRF r=4, adamw and 4 for light, longer" in longer
    assert "equal results are expected" in sentence(
        found[f"{light} minus light + HRF r=4, chained{a}"]
    )


# Rate: validation and test score.
RATES = {1: (0.5, 0.5), 2: (0.6, 0.6), 4: (0.8, 0.65), 8: (0.7, 0.9), 16: (0.3, 0.7)}


def tuned(rates=RATES, **changes):
    for rate, (validation, test) in rates.items():
        yield {"learning_rate": rate, "val_ua": validation, **changes}, lambda *_, test=test: test


@pytest.mark.usefixtures("undrawn")
def test_files_of_four_bits_stand_beside_those_of_eight(tmp_path):
    right, half = {"s": [[2, 0], [0, 2]]}, {"s": [[1, 1], [1, 1]]}
    results = tables([(run_result(int4_bytes=124_512), right), (run_result(expansion=4), right)])
    of_four_bits = decided(results.runs[0], half, form="int4_dynamic")
    results = dataclasses.replace(results, decisions=[*results.decisions, *of_four_bits])
    write_tables(tmp_path, results)
    write_report(tmp_path, tmp_path / "report")
    (light,) = rows(tmp_path / "report" / "files.csv")
    assert (light["condition"], light["int8_bytes"], light["int4_bytes"]) == (
        *("light", "212345.0", "124512.0"),
    )
    assert (float(light["int8_mean"]), float(light["int4_mean"])) == (1, 0.5)
    shown = (tmp_path / "report" / "report.md").read_text()
    assert "| light | 212 | 100.0 | 125 | 50.0 |" in shown


@pytest.mark.usefixtures("undrawn")
def test_the_rate_is_chosen_by_validation_where_test_would_choose_another(tmp_path):
    conditions = [*tuned(), ({"learning_rate": 2, **HRF}, lambda *_: 0.7)]
    runs = list(runs_of(conditions, seeds=(1, 2)))
    results = tables(runs)
    light, hrf = groups_of(results)[0].conditions
    assert (light.rate, hrf.rate) == (4, 2)
    assert light.test("ua").mean == pytest.approx(np.mean([right_share(0.65)] * 4))
    found = only(results)
    assert found.differences["1", 1] > 0
    told = sentence(found)
    assert (
        "learning rates tried are x2 for light + HRF r=4 and x1, x2, x4, x8, x16 for light" in told
    )
    write_tables(tmp_path, results)
    assert "| x4 of 5 |" in readme_table(tmp_path)
    assert "| x2 (only) |" in readme_table(tmp_path)
    write_report(tmp_path, tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    # A point is a twentieth of the way down to x2, and a tenth of that to x8.
    assert "| light | 80.0 | x4 | x3.86 to x4.29 | 1.1 |" in text
    assert "](rates-emodb-conv_transformer.png)" in text


@pytest.mark.parametrize(
    ("scores", "low", "high", "ends"),
    [
        # Two points are lost in a factor of two: one in the square root of two.
        ({1: 0.58, 2: 0.6, 4: 0.58}, 2 / 2**0.5, 2 * 2**0.5, (False, False)),
        # Nothing is lost towards the lowest; a quarter of the way to the next is a point.
        ({1: 0.6, 4: 0.6, 16: 0.56}, 1, 4 * 2**0.5, (True, False)),
        # What is better again beyond is not connected.
        ({1: 0.6, 2: 0.5, 4: 0.6}, 1, 2**0.1, (True, False)),
        ({1: 0.5, 2: 0.5}, 1, 2, (True, True)),
    ],
)
def test_rates_within_a_point(scores, low, high, ends):
    rates = {rate: (score, 0.5) for rate, score in scores.items()}
    (light,) = groups_of(tables(runs_of([*tuned(rates)], seeds=(1,))))[0].conditions
    found = RateRange.of(light)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.low_is_end, found.high_is_end) == ends
    assert found.width == pytest.approx(high / low)


def right_share(share):
    """UA of three speakers of `right`."""
    matrices = right(share, "uvw").values()
    return sum(m[0][0] for m in matrices) / sum(sum(m[0]) for m in matrices)


def test_rates_are_compared_where_all_are_done():
    runs = list(runs_of([*tuned()], seeds=(1, 2)))
    # At x2 one run is not done, and the others of that fold and seed speak for x8.
    runs = [r for r in runs if (r[0].learning_rate, r[0].fold, r[0].seed) != (2, "2", 2)]
    runs = [
        (dataclasses.replace(c, val_ua=1.0), m)
        if (c.learning_rate, c.fold, c.seed) == (8, "2", 2)
        else (c, m)
        for c, m in runs
    ]
    (light,) = groups_of(tables(runs))[0].conditions
    assert light.common == (("1", 1), ("1", 2), ("2", 1))
    assert light.rate == 4
    assert light.validation == pytest.approx({r: v for r, (v, _) in RATES.items()})
    assert len(light.runs) == 4


def test_equal_rates_and_their_end():
    rates = {1: (0.5, 0.5), 2: (0.5, 0.9)}
    (found,) = comparisons_of(
        groups_of(tables(runs_of([*tuned(rates), *tuned(rates, **HRF)], seeds=(1,))))
    )
    # Of equals the lowest; the same rates were tried: no caution of that.
    assert found.first.rate == found.second.rate == 1
    assert found.cautions == (
        "The learning rate of light + HRF r=4, x1, is at the end of those tried: one beyond may be "
        "better",
        "The learning rate of light, x1, is at the end of those tried: one beyond may be better",
    )


@pytest.mark.usefixtures("undrawn")
def test_no_rate_is_chosen_before_all_have_a_common_run(tmp_path):
    runs = [
        (run_result(learning_rate=1, fold="1"), right(0.5, "uvw")),
        (run_result(learning_rate=2, fold="2"), right(0.5, "xyz")),
        (run_result(expansion=4), right(0.5, "uvw")),
    ]
    write_tables(tmp_path, tables(runs))
    write_report(tmp_path, tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| light | - | 0 | not chosen yet, of 2 |" in text
    assert "light + HRF r=4 minus light: nothing can be said" in text
    assert "no fold and seed is done at every one of its learning rates" in text


def test_odd_characters(tmp_path):
    title, label, backbone = "A|B & C_d 100% *x* $y$ <b> \\z [u](v)", "_so_ & |so|", "net_#1{2}^~"
    corpora = {
        "odd/corpus": ComparedCorpus(title=title, labels=(label, "b"), notes=("1. # no | heading",))
    }
    runs = [
        (
            run_result(corpus="odd/corpus", backbone=backbone, fold="|a|", **changes),
            right(0.5, "uvw"),
        )
        for changes in (PLAIN, HRF)
    ]
    write_tables(tmp_path, tables(runs, corpora=corpora))
    assert read_tables(tmp_path).grid.corpora["odd/corpus"].title == title
    write_report(tmp_path, tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    shown = [
        "".join(part.content for part in token.children if part.type == "text")
        for token in tokens
        if token.type == "inline"
    ]
    assert f"{title}, {backbone} (UA)" in shown
    assert any(f"Classes: {label}, b." in each for each in shown)
    assert "1. # no | heading" in shown
    assert "|a|/1: 0.0" in shown
    tables_of = text.count("| --- ")
    assert sum(token.type == "table_open" for token in tokens) * 2 <= tables_of
    latex = (tmp_path / "report" / "scores.tex").read_text()
    heading = (
        r"{A\textbar{}B \& C\_d 100\% *x* \$y\$ \textless{}b\textgreater{} "
        r"\textbackslash{}z [u](v), net\_\#1\{2\}\textasciicircum{}\textasciitilde{} (UA)}"
    )
    assert heading in latex
    assert (tmp_path / "report" / "size-odd%2Fcorpus.png").is_file()
    assert "](size-odd%252Fcorpus.png)" in text


def test_latex_is_a_table_with_as_many_cells_in_every_row(written):
    for name in ("scores", "differences", "pairs", "rates"):
        lines = (written / f"{name}.tex").read_text().splitlines()
        head = lines.index(r"\toprule") + 1
        cells = [line.count(" & ") for line in lines[head:] if line.startswith("{}")]
        assert len(set(cells)) == 1
        assert r"\bottomrule" in lines
    assert r"59.4 $\pm$ 13.3" in (written / "scores.tex").read_text()
    assert "1/1: " not in (written / "pairs.tex").read_text()
    assert "08/1: $-$12.5" in (written / "pairs.tex").read_text()


@pytest.mark.usefixtures("undrawn")
def test_all_or_nothing(hand_made, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.md").write_text("before")

    def fails(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(report_module, "plot_learning_curves", fails)
    with pytest.raises(OSError, match="no space left"):
        write_report(hand_made, out)
    assert [path.name for path in out.iterdir()] == ["report.md"]
    assert (out / "report.md").read_text() == "before"


def shuffled(folder, seed):
    for name in FILES:
        head, *lines = (folder / name).read_text().splitlines(keepends=True)
        random.Random(seed).shuffle(lines)
        (folder / name).write_text(head + "".join(lines))


def test_order_of_the_rows_changes_no_file(hand_made, written, tmp_path):
    shuffled(hand_made, 5)
    write_report(hand_made, tmp_path / "report")
    for path in written.iterdir():
        assert (tmp_path / "report" / path.name).read_bytes() == path.read_bytes(), path.name


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=2, deadline=None)
@pytest.mark.slow
def test_order_of_the_rows_changes_no_word(seed, order):
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.3, 0.9, 1000)
    conditions = [
        (PLAIN, lambda f, s: shares[7 * s + f]),
        (HRF, lambda f, s: shares[90 + 7 * s + f]),
    ]
    results = tables(runs_of(conditions, seeds=range(int(rng.integers(1, 6)))))
    parts = {name: list(getattr(results, name)) for name in ("runs", "decisions", "curves")}
    for part in parts.values():
        order.shuffle(part)
    other = Tables(**parts, grid=results.grid)
    told = [[sentence(each) for each in comparisons_of(groups_of(t))] for t in (results, other)]
    assert told[0] == told[1]


def test_folds_come_in_their_natural_order():
    names = ["10", "2", "fold 1b", "fold 1²", "fold 02", "", "a"]
    assert sorted(names, key=natural) == ["", "2", "10", "a", "fold 1b", "fold 1²", "fold 02"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.013, "+1.3"), (-0.2, "-20.0"), (0, "0.0"), (-0.0, "0.0"), (1e-17, "0.0"), (-2e-4, "-0.02")],
)
def test_points(value, text):
    assert points(value) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1, "1"), (0.0625, "0.062"), (0.0499, "0.0499"), (0.0501, "0.05"), (1e-9, "<0.0001")],
)
def test_probability(p, text):
    assert probability(p) == text
