"""The tasks that the corpora have, on generated copies of their annotations."""

import json
import re

import numpy as np
import pytest

from recipes.common import cli
from recipes.common.manifest import read_manifest, write_manifest
from recipes.corpora import RECIPES
from tests.recipes.copies import crema_d, daic_woz, emodb, iemocap, m3ed

COPIES = {
    "iemocap": iemocap,
    "m3ed": m3ed,
    "daic_woz": daic_woz,
    "emodb": emodb,
    "crema_d": crema_d,
}
# Names of outputs, or the range of a number.
TASKS = {
    ("iemocap", "valence"): (1, 5),
    ("iemocap", "activation"): (1, 5),
    ("iemocap", "dominance"): (1, 5),
    ("iemocap", "sex"): ("female", "male"),
    ("m3ed", "emotions"): (
        *("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    ),
    ("m3ed", "sex"): ("female", "male"),
    ("m3ed", "age"): None,
    ("daic_woz", "phq8"): (0, 24),
    ("daic_woz", "sex"): ("female", "male"),
    ("emodb", "sex"): ("female", "male"),
    ("emodb", "age"): (21, 35),
    ("crema_d", "sex"): ("female", "male"),
    ("crema_d", "age"): (20, 74),
    ("crema_d", "intensity"): ("low", "medium", "high"),
    ("crema_d", "votes"): ("anger", "disgust", "fear", "happiness", "neutral", "sadness"),
}
SMALL = "{channels: 4, units: 8, num_layers: 1, num_heads: 2, feed_forward_units: 16}"


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """`copies(name)`: what the recipe reads of a tiny copy, after a manifest, and its folder."""
    found = {}

    def made(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name)
            clips = COPIES[name].tiny(folder)
            if name == "crema_d":
                crema_d.vote_table(folder, clips)
                ages = "".join(f"{n},{20 + n * 7 % 55}\n" for n in range(1001, 1092))
                (folder / "VideoDemographics.csv").write_text(f'"ActorID","Age"\n{ages}')
            write_manifest(folder / "manifest.csv", RECIPES[name].read(folder).segments)
            found[name] = read_manifest(folder / "manifest.csv"), folder
        return found[name]

    return made


@pytest.mark.parametrize(("corpus", "name"), TASKS)
def test_every_task_has_targets_and_folds(copies, corpus, name):
    segments, _ = copies(corpus)
    recipe = RECIPES[corpus]
    settings = recipe.settings(task=name)
    task = recipe.task_of(settings, segments)
    task.check(settings)
    values = [value for s in segments if (value := task.value_of(s)) is not None]
    targets = task.targets(values)
    assert len(values) > len(segments) / 10 and targets.shape == (len(values), len(task.names))
    expected = TASKS[corpus, name]
    if settings.figure == "ccc":
        low, high = task.range
        assert low <= min(values) <= max(values) <= high and np.abs(targets).max() <= 1
        assert corpus == "crema_d" or (low, high) == expected
    else:
        assert expected is None or task.names == expected
    for fold in recipe.folds_of(segments, settings):
        labels = [e.label for split in fold.splits.values() for e in split]
        assert set(labels) <= set(values)


def test_values_are_those_of_the_annotations(copies):
    segments, folder = copies("iemocap")
    lines = "\n".join(p.read_text("latin-1") for p in folder.rglob("EmoEvaluation/Ses*.txt"))
    for segment in segments:
        found = re.search(rf"\t{segment.id}\t...\t\[(\S+), (\S+), (\S+)\]", lines).groups()
        assert found == tuple(map(segment.cell, ("valence", "activation", "dominance")))
    segments, folder = copies("m3ed")
    annotation = json.loads((folder / "annotation.json").read_text("utf-8"))
    for segment in segments:
        dialog = annotation[segment.session][segment.text_id]
        about = dialog["Dialog"][segment.id]["EmoAnnotation"]
        words = {word.lower() for word in about["final_mul_emo"].split(",")}
        assert set(segment.cell("emotions").split(";")) == words
        assert segment.cell("age") == dialog["SpeakerInfo"][segment.speaker[-1]]["Age"]
    segments, folder = copies("daic_woz")
    scores = dict(
        re.findall(
            r"^(\d+),[01],(\d+),", "\n".join(p.read_text() for p in folder.glob("*.csv")), re.M
        )
    )
    assert all(segment.cell("phq8") == scores[segment.speaker] for segment in segments)
    segments, _ = copies("crema_d")
    assert {s.cell("intensity") for s in segments if s.id.endswith("HI")} == {"high"}
    assert {s.cell("intensity") for s in segments if s.id.endswith("XX")} == {""}
    # By hand: of the voice alone 4 people heard what was acted, one something else, or nobody did.
    votes = {s.id: s.cell("votes") for s in segments}
    assert votes["1005_DFA_ANG_XX"] == "anger:4;disgust:1"
    assert all(f"{s.label}:4" in votes[s.id] for s in segments)


def test_a_table_of_votes_that_is_none(tmp_path):
    path = crema_d.vote_table(tmp_path, crema_d.tiny(tmp_path))
    text = path.read_text()
    lines = text.splitlines()
    cells = lines[2].split(",")
    for changed in (
        ",".join([cells[0], *"000000", *cells[7:]]),
        ",".join([cells[0], "-1", *cells[2:]]),
        ",".join([cells[0], "2.5", *cells[2:]]),
        ",".join(['"2"', *cells[1:]]),
        ",".join(cells[:4]),
    ):
        path.write_text("\n".join([*lines[:2], changed, *lines[3:]]))
        with pytest.raises(ValueError, match=r"number of people .*tabulatedVotes.csv', line 3$"):
            RECIPES["crema_d"].read(tmp_path)
    path.write_text(text.replace('"N"', '"n"'))
    with pytest.raises(ValueError, match="must have the columns .* called 'N'"):
        RECIPES["crema_d"].read(tmp_path)


def test_what_a_corpus_lacks_is_one_error(tmp_path, failed):
    crema_d.tiny(tmp_path / "copy")
    out = ["--out", tmp_path / "out", "--allow-count-mismatch"]

    def command(arguments):
        return cli.main(RECIPES["crema_d"], arguments)

    message = failed(command, "all", "--data", tmp_path / "copy", *out, "task=age")
    assert "No clip here has a value of `age`" in message and "VideoDemographics.csv" in message
    message = failed(command, "all", "--data", tmp_path / "copy", *out, "task=votes")
    assert "No clip here has a value of `votes`" in message and "tabulatedVotes.csv" in message
    assert "`task` must" in failed(command, "all", "--data", tmp_path / "copy", *out, "task=height")
    assert not (tmp_path / "out" / "store").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        *(("iemocap", "valence"), ("m3ed", "emotions"), ("daic_woz", "phq8")),
        ("crema_d", "votes"),
    ],
)
def test_a_task_of_every_kind_runs(copies, tmp_path, corpus, name, capsys):
    _, folder = copies(corpus)
    recipe, out = RECIPES[corpus], tmp_path / "runs"
    allow = ["--allow-count-mismatch", "--allow-malformed-line", "--allow-unreadable-audio"]
    first = recipe.folds_of(read_manifest(folder / "manifest.csv"), recipe.settings(task=name))[0]
    arguments = [
        *("all", "--data", folder, "--out", out, *allow, "--fold", first.name, f"task={name}"),
        *("epochs=1", "frames=50", "batch_size=64", "expansion=0", f"backbone_options={SMALL}"),
        *("--kinds", "float32"),
    ]
    assert cli.main(recipe, [str(argument) for argument in arguments]) == 0
    run = out / f"{name}-conv_transformer-light-plain-seed1" / f"fold-{first.name}"
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    figures = {"valence": "ccc", "emotions": "map", "phq8": "ccc", "votes": "cross_entropy"}
    assert all(figures[name] in found for found in metrics.values())
    assert name.capitalize() in (run / "MODEL_CARD.md").read_text(encoding="utf-8")
