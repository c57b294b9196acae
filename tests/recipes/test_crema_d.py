import csv
from collections import Counter

import pytest

from recipes.common.manifest import read_manifest
from recipes.crema_d.__main__ import main
from recipes.crema_d.actors import FOLD_OF, SEXES
from recipes.crema_d.manifest import read
from tests.recipes.copies import crema_d as copies
from tests.recipes.copies.audio import write_sparse

WORDS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}


@pytest.mark.parametrize("sub", ["AudioWAV", "audio", "crema_d/audio"])
def test_clips(tmp_path, sub):
    clips = copies.tiny(tmp_path, sub)
    prepared = read(tmp_path)
    assert prepared.problems == []
    assert [s.id for s in prepared.segments] == sorted(clips - copies.FLAGGED)
    assert len(clips & copies.FLAGGED) == 3
    for segment in prepared.segments:
        actor, sentence, emotion, _ = segment.id.split("_")
        assert segment.path == f"{sub}/{segment.id}.wav"
        assert (segment.speaker, segment.text_id) == (actor, sentence)
        assert segment.label == WORDS[emotion]
        assert segment.sex == ("male" if actor == "1005" else "female")
        assert segment.fold == FOLD_OF[actor]
        assert (segment.start, segment.end, segment.split, segment.session) == (None, None, "", "")


def test_folds_are_balanced_and_known_beforehand():
    assert len(SEXES) == 91
    assert Counter(SEXES.values()) == Counter(female=43, male=48)
    sizes = Counter((fold, SEXES[actor]) for actor, fold in FOLD_OF.items())
    assert sorted(sizes[fold, "female"] for fold in "12345") == [8, 8, 9, 9, 9]
    assert sorted(sizes[fold, "male"] for fold in "12345") == [9, 9, 10, 10, 10]
    assert sorted(Counter(FOLD_OF.values()).values()) == [18, 18, 18, 18, 19]
    # Figures of runs hold only as long as nobody changes who is in which fold.
    assert [FOLD_OF[actor] for actor in ("1002", "1003", "1091", "1001", "1090")] == list("12341")


def test_names_that_are_none(tmp_path):
    count = len(copies.tiny(tmp_path) - copies.FLAGGED)
    for name in ("1005_DFA_JOY_XX", "1092_DFA_ANG_XX", "1005_DFA_ANG", "1005-DFA-ANG-XX"):
        write_sparse(tmp_path / "AudioWAV" / f"{name}.wav", 100, [])
    prepared = read(tmp_path)
    assert {(p.kind, p.where) for p in prepared.problems} == {
        ("unknown label", "AudioWAV/1005_DFA_JOY_XX.wav"),
        ("unknown name", "AudioWAV/1092_DFA_ANG_XX.wav"),
        ("unknown name", "AudioWAV/1005_DFA_ANG.wav"),
        ("unknown name", "AudioWAV/1005-DFA-ANG-XX.wav"),
    }
    assert len(prepared.segments) == count


def test_the_command(tmp_path, capsys, failed):
    data, out = tmp_path / "crema_d", tmp_path / "out"
    clips = copies.tiny(data)
    arguments = ["prepare", "--data", str(data), "--out", str(out), "--no-store"]
    assert main(arguments) == 2
    assert "--allow-count-mismatch" in capsys.readouterr().err
    assert main([*arguments, "--allow-count-mismatch"]) == 0
    assert {s.id for s in read_manifest(out / "manifest.csv")} == clips - copies.FLAGGED
    capsys.readouterr()
    assert "AudioWAV, audio" in failed(main, "prepare", "--data", out)


@pytest.mark.slow
def test_every_published_count(tmp_path, capsys):
    data, out = tmp_path / "crema_d", tmp_path / "out"
    copies.full(data)
    assert main(["prepare", "--data", str(data), "--out", str(out)]) == 0
    assert "All 11 published counts match." in capsys.readouterr().out
    segments = read_manifest(out / "manifest.csv")
    assert len(segments) == 7442 - 7
    # One flagged clip of each emotion, and two of sadness.
    counts = {"anger": 1270, "disgust": 1270, "fear": 1270, "happiness": 1270, "neutral": 1086}
    assert Counter(s.label for s in segments) == Counter(counts, sadness=1269)
    folds = {}
    for segment in segments:
        folds.setdefault(segment.fold, set()).add(segment.speaker)
    assert sum(map(len, folds.values())) == len(set.union(*folds.values())) == 91
    with (out / "store" / "index.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [s.id for s in segments]


def test_the_corpus_itself(shared_data):
    prepared = read(shared_data / "crema_d")
    assert prepared.problems == []
    assert all(count.found == count.expected for count in prepared.counts)
    with (shared_data / "crema_d" / "crema_d.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("speaker", "sex", "emotion", "text_id")
    wanted = {r["path"]: tuple(r[name] for name in columns) for r in rows if not r["flag"]}
    found = {s.path: (s.speaker, s.sex, s.label, s.text_id) for s in prepared.segments}
    assert found == wanted
    # The made-up copy has the names of the real one.
    assert copies.names() == {row["path"].split("/")[1].split(".")[0] for row in rows}
