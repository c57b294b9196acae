import csv
import dataclasses
import json
import os

import numpy as np
import pytest
import soundfile
from rich.console import Console

from recipes.common import manifest
from recipes.common.cli import main
from recipes.common.preparation import audio_check
from recipes.common.preparation.counts import Count, check_counts
from recipes.common.preparation.problems import Problem
from recipes.common.recipe import Prepared, Recipe
from recipes.common.settings import RecipeSettings
from recipes.common.store import Store
from recipes.custom.about import FACTS

RATE = 16000
EMPTY = dict.fromkeys(manifest.COLUMNS, "") | {"start": None, "end": None}


def segment(clip, path, start=None, end=None):
    values = {"id": clip, "path": path, "start": start, "end": end, "speaker": "s", "label": "l"}
    return manifest.Segment(**EMPTY | values)


GOOD = [segment("a", "a.wav"), segment("b", "b.wav", 0.05, 0.15), segment("c", "b.wav", 0.1)]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for seed, name in enumerate("ab"):
        noise = np.random.default_rng(seed).normal(0, 0.1, RATE // 5)
        soundfile.write(folder / f"{name}.wav", noise, RATE)
    return folder


def toy(read, **recipe):
    """A recipe that can be prepared; it has no protocol."""
    return Recipe(
        **{
            "name": "toy",
            "facts": FACTS,
            "read": read,
            "settings": RecipeSettings,
            "task_of": None,
            "folds_of": None,
        }
        | recipe
    )


@pytest.fixture
def command(tmp_path, data, capsys):
    """Runs `prepare` of a recipe with what it would have read: (exit code, stdout, stderr)."""

    def run(*arguments, segments=GOOD, counts=(), problems=(), **recipe):
        prepared = Prepared(list(segments), list(counts), list(problems))
        about = toy(**{"read": lambda data, **_: prepared} | recipe)
        out = ["--out", str(tmp_path / "out")]
        code = main(about, ["prepare", "--data", str(data), *out, *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def listed(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_manifest_and_store(tmp_path, data, command, monkeypatch):
    code, out, err = command(counts=[Count("all", 3, 3)])
    assert (code, err) == (0, "")
    assert "All 1 published counts match." in out
    assert "3 segments of 1 speakers in" in out
    assert manifest.read_manifest(tmp_path / "out" / "manifest.csv") == GOOD
    store = Store(tmp_path / "out" / "store")
    assert store.ids == ("a", "b", "c")
    assert [store.length(clip) for clip in store.ids] == [3200, 1600, 1600]
    (front_end,) = store.folder.glob("features-*.json")
    assert json.loads(front_end.read_text())["num_mels"] == 64
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.csv", "store"]

    # Where all files are other ones now, nothing is there already.
    for path in data.iterdir():
        os.utime(path, (0, 0))
    code, _, err = command()
    assert (code, err) == (0, "")
    os.utime(data / "a.wav")
    code, _, err = command()
    assert "Reading 1 of 3 clips; the others are there already." in err

    # What the store holds is not read to its end again.
    def none(sources, *_):
        assert not list(sources)
        return iter(())

    monkeypatch.setattr(audio_check, "read_clips", none)
    assert command("--no-store")[0] == 0


def test_another_place_for_the_manifest(tmp_path, command):
    place = tmp_path / "new" / "m.csv"
    assert command("--manifest", place, "--no-store")[0] == 0
    assert manifest.read_manifest(place) == GOOD
    assert not (tmp_path / "out").exists()


def test_counts_that_differ_are_refused_unless_allowed(tmp_path, command):
    counts = [Count("[session] 1", 1000, 998), Count("session 2", 7, 7), Count("3", 0, 2)]
    code, out, err = command("--no-store", counts=counts)
    assert code == 2
    assert "2 of 3 counts differ" in err
    assert "--allow-count-mismatch" in err
    assert len(err.splitlines()) == 1
    rows = [line.replace("│", "|") for line in out.splitlines()]
    (row,) = [line for line in rows if "[session] 1" in line]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["[session] 1", "1,000", "998", "-2"]
    assert "session 2" not in out
    assert not (tmp_path / "out").exists()

    code, out, err = command("--no-store", "--allow-count-mismatch", counts=counts)
    assert (code, err) == (0, "")
    assert "2 of 3 counts differ" in out
    assert (tmp_path / "out" / "manifest.csv").exists()


def test_a_corpus_without_published_counts(capsys):
    check_counts([], allow_mismatch=False, console=Console())
    assert capsys.readouterr().out == ""


def test_bad_audio_is_listed_whole_and_left_out_if_allowed(tmp_path, data, command):
    (data / "text.wav").write_text("no audio")
    (data / "empty.wav").touch()
    soundfile.write(data / "none.wav", np.zeros(0), RATE)
    soundfile.write(data / "cut.flac", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    whole = (data / "cut.flac").read_bytes()
    (data / "cut.flac").write_bytes(whole[: len(whole) // 2])
    bad = [
        *(segment(f"gone{i}", "gone.wav", 0, i + 1) for i in range(3)),
        *(segment(name, name) for name in ("text.wav", "empty.wav", "none.wav", "cut.flac")),
        segment("outside", "a.wav", 0.1, 0.3),
    ]
    # The former manifest stays.
    assert command("--no-store")[0] == 0
    before = (tmp_path / "out" / "manifest.csv").read_bytes()

    segments = [bad[0], *GOOD, *bad[1:]]
    code, out, err = command("--no-store", segments=segments)
    assert code == 2
    assert "1 x missing audio, 5 x unreadable audio" in err
    assert "--allow-missing-audio --allow-unreadable-audio" in err
    rows = listed(tmp_path / "out" / "problems.csv")
    assert [row["kind"] for row in rows].count("unreadable audio") == 5
    assert {row["where"] for row in rows} == {str(data / s.path) for s in bad}
    assert all(row["where"] in out for row in rows)
    assert "(3 segments)" in out
    assert (tmp_path / "out" / "manifest.csv").read_bytes() == before

    code, _, err = command("--no-store", "--allow-missing-audio", segments=segments)
    assert code == 2
    assert "missing" not in err
    allowed = ["--allow-missing-audio", "--allow-unreadable-audio"]
    assert command(*allowed, segments=segments)[0] == 0
    assert manifest.read_manifest(tmp_path / "out" / "manifest.csv") == GOOD
    assert Store(tmp_path / "out" / "store").ids == ("a", "b", "c")
    assert "No segment of a corpus" in command(*allowed, segments=bad)[2]

    # Mended.
    assert command("--no-store")[0] == 0
    assert not (tmp_path / "out" / "problems.csv").exists()


def test_problems_of_annotations(tmp_path, command):
    problems = [Problem("unknown label", f"[a].txt:{i}", "'zzz'") for i in range(12)]
    problems += [
        Problem("odd page", "page 3", "torn"),
        Problem("empty clip", "x.wav", "as published"),
        Problem("lost key", "box", "no option allows it"),
    ]
    about = {"kinds": ("odd page",), "as_published": ("empty clip",), "problems": problems}
    code, out, err = command("--no-store", **about, counts=[Count("all", 1, 2)])
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "--allow-count-mismatch" in err
    assert "12 x unknown label, 1 x odd page, 1 x lost key" in err
    assert "(--allow-unknown-label --allow-odd-page)" in err
    assert "empty clip" not in err
    assert out.count("[a].txt:") == 10
    assert "... and 2 more" in out
    assert f"All are listed in '{tmp_path / 'out' / 'problems.csv'}'" in err
    rows = listed(tmp_path / "out" / "problems.csv")
    assert rows == [dataclasses.asdict(problem) for problem in problems]

    allowed = ["--no-store", "--allow-unknown-label", "--allow-odd-page"]
    assert command(*allowed, **about)[0] == 2
    about["problems"] = problems[:-1]
    code, out, _ = command(*allowed, **about)
    assert code == 0
    assert "empty clip: 1" in out


def test_a_recipes_own_options(command):
    given = {}

    def read(data, **options):
        given.update(options, data=data.name)
        return Prepared(list(GOOD), [], [])

    options = {
        "--no-erratum": {"action": "append", "default": [], "metavar": "NAME"},
        "--keep": {"action": "store_true"},
    }
    arguments = ["--no-store", "--no-erratum", "x", "--no-erratum", "y"]
    assert command(*arguments, read=read, options=options)[0] == 0
    assert given == {"no_erratum": ["x", "y"], "keep": False, "data": "corpus"}


def test_bad_use_is_one_line(tmp_path, data, failed):
    about = toy(lambda data: Prepared(list(GOOD), [], []))

    def run(arguments):
        return main(about, arguments)

    assert "STAGE" in failed(run)
    assert "--data" in failed(run, "prepare")
    assert "no folder" in failed(run, "prepare", "--data", tmp_path / "none")
    manifest = ["--manifest", tmp_path]
    assert "must name a file" in failed(run, "prepare", "--data", data, *manifest)


@pytest.mark.slow
def test_a_folder_whose_name_is_no_utf8(data, run_python):
    folder = data.rename(os.fsdecode(bytes(data.parent) + b"/K\xf6rper"))
    (folder / "a.wav").write_text("no audio")
    (folder / "clips.csv").write_text("path,speaker,label\na.wav,s,joy\nb.wav,s,joy\n")
    found = run_python(
        *("-m", "recipes.custom", "prepare", "--data", folder, "--out", folder / "out"),
        "--allow-unreadable-audio",
        env={"PYTHONIOENCODING": "utf-8"},
    )
    assert found.returncode == 0, found.stderr
    assert "udcf6rper/a.wav" in found.stdout
    assert os.fsencode(folder) in (folder / "out" / "problems.csv").read_bytes()
