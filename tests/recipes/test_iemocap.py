import collections
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.manifest import read_manifest
from recipes.iemocap.__main__ import main
from recipes.iemocap.manifest import read
from recipes.iemocap.turns import read_turns
from tests.recipes.copies import iemocap

LINE = "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iemocap")
    return folder, iemocap.tiny(folder)


@pytest.fixture
def copied(tiny, tmp_path):
    return shutil.copytree(tiny[0], tmp_path / "copy")


def evaluation(folder, dialog):
    return folder / f"Session{dialog[4]}" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"


def prepared(folder, tmp_path, *arguments):
    listing = tmp_path / "m.csv"
    options = ["--data", folder, "--manifest", listing, "--out", tmp_path / "out", "--no-store"]
    code = main(["prepare", *map(str, options), *arguments])
    return code, listing


def found(segments):
    return {
        s.id: (s.path, s.speaker, s.sex, s.label, s.session, s.fold, s.text_id) for s in segments
    }


def expected(turns):
    return {
        turn.name: (
            turn.path,
            f"Ses0{turn.session}{turn.letter}",
            {"F": "female", "M": "male"}[turn.letter],
            "hap" if turn.label == "exc" else turn.label,
            str(turn.session),
            str(turn.session),
            turn.dialog,
        )
        for turn in turns
    }


def test_tiny_copy(tiny, tmp_path, capsys):
    folder, turns = tiny
    code, listing = prepared(folder, tmp_path, "--allow-count-mismatch")
    assert (code, capsys.readouterr().err) == (0, "")
    segments = read_manifest(listing)
    assert found(segments) == expected(turns)
    assert [s.id for s in segments] == sorted(turn.name for turn in turns)
    assert {(s.start, s.end, s.split) for s in segments} == {(None, None, "")}
    # Recorded F, spoken by M, and the other way round.
    speakers = {s.id: s.speaker for s in segments}
    assert speakers["Ses01F_impro01_M000"] == "Ses01M"
    assert speakers["Ses05M_script01_1b_F001"] == "Ses05F"
    assert not list((tmp_path / "out").glob("*"))


def test_a_copy_without_all_turns_is_refused(tiny, tmp_path, capsys):
    code, listing = prepared(tiny[0], tmp_path)
    out, err = capsys.readouterr()
    assert code == 2
    assert "--allow-count-mismatch" in err
    assert "10,039" in out
    assert not listing.exists()


@pytest.mark.slow
def test_full_copy_has_every_published_count(tmp_path, capsys):
    turns = iemocap.full(tmp_path / "iemocap")
    code, listing = prepared(tmp_path / "iemocap", tmp_path)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert "All 58 published counts match." in out
    segments = read_manifest(listing)
    assert found(segments) == expected(turns)

    # Counted anew from the manifest.
    assert len(segments) == 10039
    assert len({s.text_id for s in segments}) == 151
    four = [s for s in segments if s.label in ("ang", "hap", "neu", "sad")]
    table = {
        session: [
            sum(s.session == session and what in (s.label, s.sex) for s in four)
            for what in ("ang", "hap", "neu", "sad", "female", "male")
        ]
        for session in "12345"
    }
    assert table == {
        "1": [229, 278, 384, 194, 528, 557],
        "2": [137, 327, 362, 197, 481, 542],
        "3": [240, 286, 320, 305, 522, 629],
        "4": [327, 303, 258, 143, 528, 503],
        "5": [170, 442, 384, 245, 590, 651],
    }
    improvised = collections.Counter(s.label for s in four if "impro" in s.text_id)
    assert improvised == {"neu": 1099, "hap": 947, "sad": 608, "ang": 289}
    assert len({s.speaker for s in segments}) == 10


def test_every_count_notices_one_turn(tiny, copied):
    """Without one turn, the counts that it belongs to are one less, and no others."""
    before = {count.name: count.found for count in read(copied).counts}
    assert before["turns"] == len(tiny[1])
    assert before["turns, exc"] == sum(turn.label == "exc" for turn in tiny[1])
    (turn,) = [turn for turn in tiny[1] if turn.name == "Ses01F_impro01_F001"]
    assert turn.label == "exc"
    path = evaluation(copied, turn.dialog)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if turn.name.encode() not in line))
    after = {count.name: count.found for count in read(copied).counts}
    assert {name for name in before if before[name] - after[name] == 1} == {
        *("turns", "turns, exc", "four classes", "four classes, hap", "four classes, session 1"),
        *("four classes, session 1, hap", "four classes, session 1, F"),
        *("four classes, improvised", "four classes, improvised, hap"),
    }
    assert sum(before.values()) - sum(after.values()) == 9


def test_all_problems_are_listed(copied, tmp_path, capsys):
    first, second = evaluation(copied, "Ses01F_impro01"), evaluation(copied, "Ses04F_impro02")
    with first.open("a") as file:
        file.write(LINE.replace("\tneu\t", "\tzzz\t").replace("F000", "F900") + "\n")
        file.write(LINE.replace("\t", " ") + "\n")
        file.write(LINE + "\n")
    with second.open("a") as file:
        file.write(LINE.replace("F000", "F901") + "\n")
    (copied / "Session2/sentences/wav/Ses02M_impro08/Ses02M_impro08_M003.wav").unlink()
    text = copied / "Session2/sentences/wav/Ses02M_impro08/Ses02M_impro08_M012.wav"
    text.write_text("no audio")
    code, listing = prepared(copied, tmp_path, "--allow-count-mismatch")
    out, err = capsys.readouterr()
    assert code == 2
    assert "1 x unknown label, 3 x malformed line, 1 x missing audio, 1 x unreadable audio" in err
    assert len(err.splitlines()) == 1
    number = len(first.read_bytes().split(b"\n"))
    for place in (f"{first}:{number - 3}: 'zzz'", f"{first}:{number - 2}: expected", "_M003.wav"):
        assert place in out
    assert "twice" in out
    assert "'Ses01F_impro01_F901' is of another dialog" in out
    assert not listing.exists()
    options = [
        option for option in err.replace("(", " ").replace(")", " ").split() if "--" in option
    ]
    code, listing = prepared(copied, tmp_path, "--allow-count-mismatch", *options)
    assert code == 0
    ids = {s.id for s in read_manifest(listing)}
    assert len(ids) == 53
    assert not ids & {"Ses02M_impro08_M003", "Ses02M_impro08_M012", "Ses01F_impro01_F900"}


def test_no_corpus(tmp_path, failed):
    (tmp_path / "Session1").mkdir()
    message = failed(main, "prepare", "--data", tmp_path)
    assert "Session1/dialog/EmoEvaluation/*.txt" in message


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace(" - ", "  -  ") + "\r",
        LINE.replace("impro01", "script03_2b"),
        LINE.replace(", ", ",") + "  ",
    ],
)
def test_lines_that_are_turns(tmp_path, line):
    path = tmp_path / f"{line.split()[3].rsplit('_', 1)[0]}.txt"
    path.write_bytes(line.encode())
    (turn,), problems = read_turns(path)
    assert (turn.session, turn.letter, turn.label, problems) == ("1", "F", "neu", [])


pieces = st.sampled_from(
    ["[", "]", "\t", "\n", "\r", "\x85", "6.29", " - ", LINE, "neu", "Ses01F_"]
)


@settings(deadline=None)
@given(st.lists(pieces | st.binary(max_size=8).map(lambda b: b.decode("latin-1")), max_size=12))
def test_any_file_gives_turns_and_problems(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "Ses01F_impro01.txt"
    content = "".join(texts).encode("latin-1")
    path.write_bytes(content)
    turns, problems = read_turns(path)
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    begins = [i for i, line in enumerate(lines, 1) if line.startswith(b"[")]
    assert len(turns) + len(problems) == len(begins)
    for problem in problems:
        assert problem.kind == "malformed line"
        assert int(problem.where.removeprefix(f"{path}:")) in begins
