import csv
from collections import Counter

import pytest

from recipes.common.manifest import read_manifest
from recipes.emodb.__main__ import main
from recipes.emodb.manifest import read
from tests.recipes.copies import emodb as copies
from tests.recipes.copies.audio import write_sparse


@pytest.mark.parametrize("sub", ["wav", "audio", "emodb/audio"])
def test_clips(tmp_path, sub):
    clips = copies.tiny(tmp_path, sub)
    prepared = read(tmp_path)
    assert prepared.problems == []
    found = {s.id: (s.speaker, s.sex, s.label, s.text_id) for s in prepared.segments}
    assert found == clips
    assert [s.id for s in prepared.segments] == sorted(clips)
    for segment in prepared.segments:
        assert segment.path == f"{sub}/{segment.id}.wav"
        assert segment.fold == segment.speaker
        assert (segment.start, segment.end, segment.split, segment.session) == (None, None, "", "")


def test_names_that_are_none(tmp_path):
    count = len(copies.tiny(tmp_path))
    for name in ("03a01Xa", "04a01Fa", "03a1Fa", "16b10Ta_new"):
        write_sparse(tmp_path / "wav" / f"{name}.wav", 100, [])
    write_sparse(tmp_path / "wav" / "03a01Fa.flac", 100, [])
    prepared = read(tmp_path)
    assert {(p.kind, p.where) for p in prepared.problems} == {
        ("unknown label", "wav/03a01Xa.wav"),
        ("unknown name", "wav/04a01Fa.wav"),
        ("unknown name", "wav/03a1Fa.wav"),
        ("unknown name", "wav/16b10Ta_new.wav"),
        ("clip twice", "wav/03a01Fa.wav"),
    }
    assert len(prepared.segments) == count


def test_a_folder_without_clips(tmp_path, failed):
    message = failed(main, "prepare", "--data", tmp_path)
    assert "wav, audio, emodb/wav, emodb/audio" in message
    assert str(tmp_path) in message


def test_the_command(tmp_path, capsys):
    data, out = tmp_path / "emodb", tmp_path / "out"
    clips = copies.tiny(data)
    arguments = ["prepare", "--data", str(data), "--out", str(out), "--no-store"]
    assert main(arguments) == 2
    assert "--allow-count-mismatch" in capsys.readouterr().err
    assert main([*arguments, "--allow-count-mismatch"]) == 0
    assert {s.id for s in read_manifest(out / "manifest.csv")} == set(clips)


@pytest.mark.slow
def test_every_published_count(tmp_path, capsys):
    data, out = tmp_path / "emodb", tmp_path / "out"
    clips = copies.full(data)
    assert main(["prepare", "--data", str(data), "--out", str(out)]) == 0
    assert "All 20 published counts match." in capsys.readouterr().out
    segments = read_manifest(out / "manifest.csv")
    assert len(segments) == len(clips) == 535
    labels = Counter(s.label for s in segments)
    assert labels == Counter(
        anger=127, boredom=81, disgust=46, fear=69, happiness=71, neutral=79, sadness=62
    )
    assert Counter(s.sex for s in segments) == Counter(female=302, male=233)
    with (out / "store" / "index.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [s.id for s in segments]


def test_the_corpus_itself(tmp_path, shared_data, capsys):
    data = shared_data / "emodb"
    assert main(["prepare", "--data", str(data), "--out", str(tmp_path), "--no-store"]) == 0
    assert "All 20 published counts match." in capsys.readouterr().out
    found = {
        s.path: (s.speaker, s.sex, s.label, s.text_id)
        for s in read_manifest(tmp_path / "manifest.csv")
    }
    with (data / "emodb.csv").open(encoding="utf-8") as file:
        columns = ("speaker", "sex", "emotion", "text_id")
        assert found == {
            row["path"]: tuple(row[name] for name in columns) for row in csv.DictReader(file)
        }
