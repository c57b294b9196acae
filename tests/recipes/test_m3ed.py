import collections
import copy
import csv
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.manifest import check_speakers, read_manifest
from recipes.common.preparation.problems import KINDS
from recipes.m3ed.__main__ import main
from recipes.m3ed.manifest import read
from recipes.m3ed.recipe import RECIPE
from recipes.m3ed.utterances import Utterance, read_utterances
from tests.recipes.copies import m3ed

SPLIT = {"train": "train", "val": "validation", "test": "test"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "m3ed"
    return folder, m3ed.tiny(folder)


@pytest.fixture
def copied(tiny, tmp_path):
    return shutil.copytree(tiny[0], tmp_path / "copy")


def prepared(folder, tmp_path, *arguments):
    listing = tmp_path / "m.csv"
    options = ["--data", folder, "--manifest", listing, "--out", tmp_path / "out", "--no-store"]
    return main(["prepare", *map(str, options), *arguments]), listing


def found(segments):
    return {
        s.id: (s.path, s.split, s.speaker, s.sex, s.label, s.session, s.text_id) for s in segments
    }


def expected(utterances):
    return {
        u.id: (
            u.path,
            SPLIT[u.split],
            f"{u.movie}_{u.speaker}",
            u.sex.lower(),
            u.label.lower(),
            u.movie,
            u.id.rpartition("_")[0],
        )
        for u in utterances
        if u.samples
    }


def problems_in(folder):
    with (folder / "problems.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def edited(folder, change):
    """Changes the annotation in place."""
    path = folder / "annotation.json"
    annotation = json.loads(path.read_text(encoding="utf-8"))
    change(annotation)
    path.write_text(json.dumps(annotation), encoding="utf-8")


def test_tiny_copy(tiny, tmp_path, capsys):
    folder, utterances = tiny
    code, listing = prepared(folder, tmp_path, "--allow-count-mismatch")
    assert (code, capsys.readouterr().err) == (0, "")
    segments = read_manifest(listing)
    assert found(segments) == expected(utterances)
    assert {(s.start, s.end, s.fold) for s in segments} == {(None, None, "")}
    # Numbers are numbers, 10 after 9, and have gaps.
    order = [(s.session, *map(int, s.id.split("_")[-2:])) for s in segments]
    assert order == sorted(order)
    dialogs = collections.defaultdict(list)
    for movie, dialog, number in order:
        dialogs[movie, dialog].append(number)
    assert any(list(map(str, n)) != sorted(map(str, n)) for n in dialogs.values())
    assert any(n != list(range(n[0], n[-1] + 1)) for n in dialogs.values())
    # 7 ms are a clip.
    short = {u.id for u in utterances if u.samples == m3ed.SHORTEST}
    assert short
    assert short <= {s.id for s in segments}
    splits = {name: [s for s in segments if s.split == name] for name in SPLIT.values()}
    assert all(splits.values())
    check_speakers(splits)


def test_audio_without_samples_is_listed_and_left_out(tiny, tmp_path, capsys):
    folder, utterances = tiny
    code, listing = prepared(folder, tmp_path, "--allow-count-mismatch")
    assert code == 0
    empty = {u.id: str(folder / u.path) for u in utterances if not u.samples}
    assert len(empty) == 4
    listed = [row for row in problems_in(tmp_path / "out") if row["kind"] == "empty audio"]
    assert {row["where"] for row in listed} == set(empty.values())
    assert not set(empty) & {s.id for s in read_manifest(listing)}
    assert "empty audio: 4" in capsys.readouterr().out
    counts = {count.name: count.found for count in read(folder).counts}
    for split, name in SPLIT.items():
        there = [u for u in utterances if u.split == split]
        assert counts[f"{name}, annotated"] == len(there)
        assert counts[f"{name}, usable"] == sum(u.samples > 0 for u in there)


def test_a_file_of_no_bytes_has_no_samples(tiny, copied):
    audible = next(u for u in tiny[1] if u.samples)
    (copied / audible.path).write_bytes(b"")
    assert audible.id not in {s.id for s in read(copied).segments}


@pytest.mark.parametrize("named", ["A", "B"])
@pytest.mark.parametrize("annotated", ["A", "B"])
def test_the_swapped_speaker(copied, named, annotated):
    movie, dialog, swapped = "jimaofeishangtian", "jimaofeishangtian_13", m3ed.SWAPPED

    def change(annotation):
        annotation[movie][dialog]["Dialog"][swapped]["Speaker"] = annotated

    edited(copied, change)
    audio = copied / "modality_speech"
    (audio / f"B_{swapped}.wav").rename(audio / f"{named}_{swapped}.wav")
    prepared = read(copied)
    (segment,) = [s for s in prepared.segments if s.id == swapped]
    assert segment.speaker == "jimaofeishangtian_B"
    assert segment.path == f"modality_speech/{named}_{swapped}.wav"
    wrong = [problem.where for problem in prepared.problems if problem.kind == "wrong speaker"]
    assert len(wrong) == (annotated == "A")


def test_only_that_utterance_may_be_in_the_other_speakers_file(tiny, copied, tmp_path, capsys):
    audible = next(u for u in tiny[1] if u.samples and u.id != m3ed.SWAPPED)
    other = "AB"[audible.speaker == "A"]
    (copied / audible.path).rename(copied / f"modality_speech/{other}_{audible.id}.wav")
    code, _ = prepared(copied, tmp_path, "--allow-count-mismatch")
    assert code == 2
    assert "1 x missing audio" in capsys.readouterr().err


def test_the_file_of_relations_changes_nothing(copied):
    before = read(copied)
    (copied / "relation_annotation_release.json").unlink()
    assert read(copied) == before


def test_other_names_and_places(tiny, copied):
    """The annotation is known by its content, but not looked for in hidden folders or modalities.

    Lists may end with a newline, or begin with a BOM.
    """
    (copied / "text").mkdir()
    for folder in (".old", "modality_text"):
        (copied / folder).mkdir()
        shutil.copy(copied / "annotation.json", copied / folder)
    (copied / "annotation.json").rename(copied / "text" / "M3ED.json")
    (copied / "text" / "._M3ED.json").write_bytes(b"\0\5\x16\7")
    for path in (copied / "splitInfo").iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
        path.rename(copied / path.name)
    assert found(read(copied).segments) == expected(tiny[1])


def test_all_problems_are_listed(tiny, copied, tmp_path, capsys):
    audible = [u for u in tiny[1] if u.samples and u.movie == "trainju3"]
    unknown, gone, text, lost, odd = audible[:5]
    (copied / gone.path).unlink()
    (copied / text.path).write_text("no audio")

    def change(annotation):
        for dialog in annotation["trainju3"].values():
            for name, utterance in dialog["Dialog"].items():
                if name == unknown.id:
                    utterance["EmoAnnotation"]["final_main_emo"] = "Angry"
                if name == lost.id:
                    utterance["Speaker"] = "C"
                if name == odd.id:
                    del utterance["EmoAnnotation"]
        annotation["unlisted"] = copy.deepcopy(
            {
                name.replace("valju1", "unlisted"): {
                    "Dialog": {
                        utterance.replace("valju1", "unlisted"): about
                        for utterance, about in dialog["Dialog"].items()
                    }
                }
                for name, dialog in annotation["valju1"].items()
            }
        )

    edited(copied, change)
    code, listing = prepared(copied, tmp_path, "--allow-count-mismatch")
    out, err = capsys.readouterr()
    assert code == 2
    assert len(err.splitlines()) == 1
    for text in ("1 x unknown label", "2 x malformed entry", "1 x missing split"):
        assert text in err
    for text in ("1 x missing audio", "1 x unreadable audio"):
        assert text in err
    assert "empty audio" not in err
    assert "'Angry' is none of happy" in out
    for utterance in (unknown, lost, odd):
        assert repr(utterance.id) in out
    assert not listing.exists()
    kinds = [*KINDS[:3], *RECIPE.kinds]
    options = [f"--allow-{kind.replace(' ', '-')}" for kind in kinds]
    code, listing = prepared(copied, tmp_path, "--allow-count-mismatch", *options)
    assert code == 0
    assert len(read_manifest(listing)) == len(expected(tiny[1])) - 5


def test_no_corpus(copied, failed):
    def message(*arguments):
        return failed(main, "prepare", "--data", copied)

    train, val = (copied / "splitInfo" / f"movie_list_{name}.txt" for name in ("train", "val"))
    before = val.read_text()
    val.write_text(train.read_text().split("\n")[0])
    assert "in both 'train' and 'validation'" in message()
    val.write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in message()
    val.write_text(before)
    shutil.copy(val, copied)
    assert "several" in message()
    val.unlink()
    assert read(copied).segments
    (copied / val.name).unlink()
    assert "movie_list_val.txt" in message()
    val.write_text(before)
    shutil.copy(copied / "annotation.json", copied / "second.json")
    assert "several" in message()
    (copied / "second.json").unlink()
    (copied / "annotation.json").write_text("{")
    assert "no JSON" in message()
    (copied / "annotation.json").write_text("[" * 100_000)
    assert "no JSON" in message()


@pytest.mark.slow
def test_full_copy_has_every_published_count(tmp_path, capsys):
    folder = tmp_path / "m3ed"
    utterances = m3ed.full(folder)
    relations = json.loads((folder / "relation_annotation_release.json").read_text())
    assert sum(map(len, relations.values())) == 1016
    code, listing = prepared(folder, tmp_path)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert "All 32 published counts match." in out
    segments = read_manifest(listing)
    assert found(segments) == expected(utterances)

    # Counted anew from the manifest.
    columns = ("neutral", "anger", "sad", "happy", "disgust", "surprise", "fear")
    table = collections.Counter((s.split, s.label) for s in segments)
    assert {split: [table[split, label] for label in columns] for split in SPLIT.values()} == {
        "train": [7126, 3814, 2734, 1625, 1145, 696, 280],
        "validation": [1042, 681, 489, 303, 134, 120, 50],
        "test": [1853, 736, 734, 358, 218, 234, 65],
    }
    assert len(segments) == 17420 + 2819 + 4198 == 24449 - 12
    movies = {(s.split, s.session) for s in segments}
    assert collections.Counter(split for split, _ in movies) == {
        "train": 38,
        "validation": 7,
        "test": 11,
    }
    assert len({s.text_id for s in segments}) == 990
    kinds = collections.Counter(row["kind"] for row in problems_in(tmp_path / "out"))
    assert kinds == {"empty audio": 12, "wrong speaker": 1}


names = st.sampled_from(["a", "a_1", "a_1_1", "a_1_10", "a_2", "a_2_x", "a_1_²", "../a", "\ud800"])
anything = st.sampled_from(
    [None, True, 3, 1.5, "", "x", "\ud800", [], ["A"], {}, {"a_1": {}}, {"A": 1}]
)
about = st.fixed_dictionaries(
    {},
    optional={
        "Speaker": st.sampled_from("ABC") | anything,
        "EmoAnnotation": st.fixed_dictionaries(
            {"final_main_emo": st.sampled_from(["Happy", " sad", "Angry"]) | anything}
        )
        | anything,
    },
)
dialog = st.fixed_dictionaries(
    {"Dialog": st.dictionaries(names, about | anything, max_size=3) | anything},
    optional={"SpeakerInfo": anything | st.fixed_dictionaries({"A": anything, "B": anything})},
)
movie = st.dictionaries(names, dialog | anything, max_size=3)


@settings(deadline=None)
@given(st.dictionaries(names, movie | anything, max_size=3))
def test_any_annotation_gives_utterances_and_problems(tmp_path_factory, annotation):
    utterances, problems = read_utterances(annotation, tmp_path_factory.getbasetemp())
    for utterance in utterances:
        assert isinstance(utterance, Utterance)
        assert (
            utterance.id in annotation[utterance.movie][utterance.id.rpartition("_")[0]]["Dialog"]
        )
        assert utterance.label in ("happy", "anger", "sad")
        assert utterance.speaker in "AB"
    for problem in problems:
        assert problem.kind in ("malformed entry", "unknown label")
        # Can be shown and written.
        (problem.where + problem.what).encode("utf-8")


texts = st.sampled_from(
    [b"a", b"\n", b"\xff", b"{", b"}", b'"a":', b'{"Dialog":{}}', b"\xef\xbb\xbf"]
)


@settings(deadline=None)
@given(*[st.lists(texts | st.binary(max_size=6), max_size=6).map(b"".join)] * 2)
def test_any_files_give_a_clear_error(tmp_path_factory, annotation, movies):
    folder = tmp_path_factory.getbasetemp() / "garbage"
    folder.mkdir(exist_ok=True)
    (folder / "annotation.json").write_bytes(annotation)
    for name, content in (("train", movies), ("val", b""), ("test", b"")):
        (folder / f"movie_list_{name}.txt").write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=str(folder)):
        read(folder)


def test_an_annotation_without_utterances(tmp_path):
    for name, content in (("train", b"a"), ("val", b""), ("test", b"")):
        (tmp_path / f"movie_list_{name}.txt").write_bytes(content)
    (tmp_path / "annotation.json").write_text('{"a": {"a_1": {"Dialog": {}}, "a_2": []}}')
    prepared = read(tmp_path)
    assert not prepared.segments
    (problem,) = prepared.problems
    assert "a_2" in problem.where
