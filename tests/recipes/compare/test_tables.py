"""The compact tables: written, read back, and refused when they are wrong."""

import csv
import dataclasses
import json
from pathlib import Path

import pydantic
import pytest

from recipes.compare.tables.degraded_score import DegradedScore
from recipes.compare.tables.overview import ComparedCorpus, Overview
from recipes.compare.tables.run_result import RunResult
from recipes.compare.tables.tables import Tables, read_tables, write_tables
from tests.recipes.compare.made_up import PLAIN, run_result, tables

MATRIX = {"s|1": [[3, 1], [0, 4]], "s,2": [[1, 1], [1, 1]]}
LABELS = ('odd "quoted", & |piped|', "né\nb")


def results(**options):
    runs = [
        (run_result(learning_rate=0.5, seconds=0.1 + 0.2, int8_milliseconds=1.25), MATRIX),
        (run_result(expansion=4), MATRIX),
    ]
    return tables(runs, labels=LABELS, **options)


@pytest.fixture
def folder(tmp_path):
    write_tables(tmp_path, results(planned=7))
    return tmp_path


def test_what_was_written_is_read(folder):
    assert read_tables(folder) == results(planned=7)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("curves.csv", "decisions.csv", "grid.json", "runs.csv")
    ]
    head, first, _ = (folder / "runs.csv").read_text().splitlines()
    assert head == (
        "run,corpus,backbone,size,expansion,factors,optimizer,learning_rate,ablation,seed,fold,"
        "select_on,epochs,chosen_epoch,val_ua,val_wa,val_wf1,val_macro_f1,parameters_training,"
        "parameters_merged,macs,int8_bytes,int8_milliseconds,float_milliseconds,seconds,"
        "clips_per_second,quantizer,int4_bytes,variant"
    )
    assert ",adamw,0.5,,1,1,ua,3,2,0.5," in first
    assert first.endswith(",212345,1.25,,0.30000000000000004,100,,,")


def degraded(results, clips=8, conditions=("clean", "white")):
    """The same with every run scored on degraded clips."""
    return tuple(
        DegradedScore(run=run.run, condition=condition, clips=clips, ua=0.1 + 0.2)
        for run in results.runs
        for condition in conditions
    )


def test_degraded_clips(tmp_path):
    good = results()
    scored = dataclasses.replace(good, degraded=degraded(good))
    write_tables(tmp_path, scored)
    assert read_tables(tmp_path) == scored
    assert ",white,8,0.30000000000000004\n" in (tmp_path / "degraded.csv").read_text()
    # Not every run, and of an earlier seed, fold or corpus other clips.
    dataclasses.replace(good, degraded=scored.degraded[:2])
    other = dataclasses.replace(good.runs[1], seed=2)
    few = (*scored.degraded[:2], *degraded(good, clips=7)[2:])
    dataclasses.replace(good, runs=(good.runs[0], other), degraded=few)
    for rows, message in (
        (few, "Let `degraded` run to its end"),
        (scored.degraded[:3], "in the same conditions"),
        (scored.degraded[1::2], "'clean' among them"),
        ((*scored.degraded, scored.degraded[0]), "must come once"),
        ((dataclasses.replace(few[0], run="0123456789ab"),), "must be of runs of 'runs.csv'"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(good, degraded=rows)
    # What is no longer known does not stay.
    write_tables(tmp_path, good)
    assert read_tables(tmp_path) == good


def test_further_columns_are_passed_over(folder):
    path = folder / "runs.csv"
    path.write_text("".join(f"x,{line}\n" for line in path.read_text().splitlines()))
    assert read_tables(folder) == results(planned=7)


def test_tables_from_before_there_were_quantizers(folder):
    path = folder / "runs.csv"
    lines = [line.rsplit(",", 3)[0] for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    assert read_tables(folder) == results(planned=7)


def change(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("runs.csv", ",macs,", ",mac,", "without macs"),
        ("runs.csv", ",212345,", ",many,", "line 2: `int8_bytes`: .* Received: int8_bytes='many'"),
        ("runs.csv", ",0.5,0.5,", ",0.5,nan,", "line 2: `val_wa`: .*finite.* val_wa='nan'"),
        ("runs.csv", ",0.5,0.5,", ",0.5,50.5,", "`val_wa`: .*less than or equal to 1"),
        ("runs.csv", ",212345,1.25", ",,1.25", "line 2: .*`int8_bytes` must be there of every"),
        ("runs.csv", ",0.5,,1,1,", ",0,,1,1,", "`learning_rate`: .*greater than 0"),
        ("runs.csv", ",ua,3,2,", ",f1,3,2,", "`select_on`: .*'ua', 'wa', 'wf1', 'macro_f1'"),
        ("runs.csv", ",ua,3,2,", ",ua,3,4,", "`chosen_epoch` must be one of the 3 epochs"),
        ("runs.csv", ",0.5,,1,1,", ",0.5,wider,1,1,", "must have the expansion of the HRF"),
        ("runs.csv", ",0.5,,1,1,", ",0.5,thinner,1,1,", "`ablation`: "),
        ("runs.csv", ",ua,3,2,", ",wa,3,2,", "the same `select_on`"),
        ("runs.csv", "emodb,", "iemocap,", "must be in 'grid.json'.*'iemocap'"),
        ("runs.csv", ",100,,,\n", "\n", "a value for every column.*line 2"),
        ("runs.csv", ",100,,,\n", ',100,,"\n', "is no CSV file|a value for every column"),
        ("decisions.csv", ",prediction,", ",predicted,", "without prediction"),
        ("decisions.csv", ",3\n", ",0\n", "`count`: .*greater than or equal to 1"),
        ("decisions.csv", ",3\n", ",2.5\n", "`count`: .*integer"),
        ("decisions.csv", ",3\n", ",4\n", "tested on the same clips"),
        ("decisions.csv", "s|1", "s|9", "tested on the same clips"),
        ("decisions.csv", '"né\nb",4', "nb,4", "(?s)Labels must be among .*'nb'"),
        ("curves.csv", ",1,1,", ",2,1,", "An epoch of 'curves.csv' must come once"),
        ("curves.csv", ",3,", ",4,", "every epoch of a run.* 1, 2, 4 of run .* 2 was chosen"),
        ("curves.csv", ",1,1,1.2,", ",1,inf,1.2,", "`loss`: .*finite"),
        ("grid.json", '"runs": 7', '"runs": 1', "2 in 'runs.csv', and 1 planned"),
        ("grid.json", '"runs": 7', '"runs": "x"', "can't be read"),
        ("grid.json", '"title": "Emodb"', '"name": "Emodb"', "title"),
        ("grid.json", "{", "", "can't be read"),
    ],
)
def test_bad_files(folder, file, old, new, message):
    change(folder / file, old, new)
    with pytest.raises(ValueError, match=message) as error:
        read_tables(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("file", ["decisions.csv", "curves.csv"])
def test_runs_that_the_tables_do_not_share(folder, file):
    known = results().runs[0].run
    change(folder / file, known, "0123456789ab")
    with pytest.raises(ValueError, match=f"'{file}' must be of runs of .* Received: 0123456789ab"):
        read_tables(folder)
    text = (folder / file).read_text().replace("0123456789ab", known)
    lines = [line for line in text.splitlines(keepends=True) if known not in line]
    (folder / file).write_text("".join(lines))
    with pytest.raises(ValueError, match="every run|is no CSV|a value for"):
        read_tables(folder)


def test_doubles():
    first, second = results().runs
    good = results()
    with pytest.raises(ValueError, match=f"A run of 'runs.csv' must come once.*{first.run}"):
        dataclasses.replace(good, runs=(first, first))
    # Plain models have no factors: these are the same training.
    copy = dataclasses.replace(first, run="0123456789ab", factors=3)
    with pytest.raises(ValueError, match="A training in 'runs.csv' must come once"):
        dataclasses.replace(good, runs=(first, second, copy), grid=results(planned=7).grid)
    with pytest.raises(ValueError, match="A line of 'decisions.csv' must come once"):
        dataclasses.replace(good, decisions=(*good.decisions, good.decisions[0]))
    corpus = good.grid.corpora["emodb"]
    grid = dataclasses.replace(good.grid, corpora={"emodb": corpus, "other": corpus})
    with pytest.raises(ValueError, match="A title in 'grid.json' must come once"):
        dataclasses.replace(good, grid=grid)


def test_nothing_is_no_result():
    grid = Overview(
        corpora={"a": ComparedCorpus(title="A", labels=("x", "y"))},
        settings={},
        runs=1,
        environment={},
    )
    with pytest.raises(ValueError, match="one finished run at least"):
        Tables(runs=(), decisions=(), curves=(), grid=grid)


def test_missing_files(tmp_path, folder):
    (folder / "curves.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"in '.*': curves\.csv not found"):
        read_tables(folder)
    with pytest.raises(FileNotFoundError, match=r"runs\.csv, decisions\.csv, curves\.csv, grid"):
        read_tables(tmp_path / "nowhere")


def test_a_run_that_is_none():
    with pytest.raises(pydantic.ValidationError, match="run"):
        RunResult(**{**PLAIN, "run": "XYZ"})


def test_written_whole_or_not_at_all(tmp_path):
    good = results()
    settings = {"bad": object()}
    bad = dataclasses.replace(good, grid=dataclasses.replace(good.grid, settings=settings))
    with pytest.raises(ValueError, match="serialize"):
        write_tables(tmp_path / "made" / "folder", bad)
    assert list(tmp_path.iterdir()) == []


def test_json_of_the_grid(folder):
    grid = json.loads((folder / "grid.json").read_text())
    assert list(grid) == ["corpora", "settings", "runs", "environment"]
    assert grid["corpora"]["emodb"] == {"title": "Emodb", "labels": list(LABELS), "notes": []}


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_results_of_earlier_versions_are_read(tmp_path):
    """Real ones, of two runs, under the names that files, columns and axes had at the time."""
    former = Path(__file__).parent / "former_results"
    found = read_tables(former)
    assert found.grid.settings["include"][0]["sizes"] == ["large"]
    written = {name: rows_of(former / f"{name}.csv") for name in ("cells", "decisions", "curves")}
    assert [row["cell"] for row in written["cells"]] == [result.run for result in found.runs]
    assert [row["control"] for row in written["cells"]] == [run.ablation for run in found.runs]
    for name in ("val_ua", "int8_milliseconds", "seconds"):
        of_runs = [getattr(result, name) for result in found.runs]
        assert [float(row[name]) for row in written["cells"]] == of_runs
    for name, column in (("decisions", "count"), ("curves", "val_ua")):
        values = [(row.run, getattr(row, column)) for row in getattr(found, name)]
        assert values == [(row["cell"], float(row[column])) for row in written[name]]
    write_tables(tmp_path, found)
    assert read_tables(tmp_path) == found
    # What stays of an earlier report beside the new one is not what is read.
    (tmp_path / "cells.csv").write_text("cell\n", encoding="utf-8")
    assert read_tables(tmp_path) == found
