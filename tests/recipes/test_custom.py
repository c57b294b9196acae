import csv
import dataclasses
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.common.manifest import read_manifest
from recipes.custom.__main__ import main
from recipes.custom.manifest import read
from recipes.custom.protocol import task_of
from recipes.custom.settings import CustomSettings
from tests.recipes.copies.audio import write_sparse

HEADING = "path,label,speaker,split,fold,start,end"


@pytest.fixture
def write(tmp_path):
    """Writes a CSV into a folder, and gives the folder."""

    def run(*lines, name="clips.csv"):
        (tmp_path / name).write_text("\n".join([*lines, ""]), encoding="utf-8")
        return tmp_path

    return run


def problems(data):
    return [(p.kind, int(p.where.rsplit(":", 1)[1]), p.what) for p in read(data).problems]


def test_every_column(write):
    data = write(
        "speaker,mood,ID,path,label,split,fold,start,end,sex,session,text_id",
        'ann,7,one,"sub/a, b.wav",Joy,Dev,f1,0.5,1,female,s1,t1',
        "",
        "bob,7,,b.wav,ANGER,train,,,,,,",
    )
    prepared = read(data)
    assert (prepared.problems, prepared.counts) == ([], [])
    ann, bob = prepared.segments
    assert (ann.id, ann.path, ann.label, ann.speaker) == ("one", "sub/a, b.wav", "joy", "ann")
    assert (ann.split, ann.fold, ann.start, ann.end) == ("validation", "f1", 0.5, 1.0)
    assert (ann.sex, ann.session, ann.text_id) == ("female", "s1", "t1")
    assert (bob.id, bob.label, bob.split, bob.start, bob.end) == ("b", "anger", "train", None, None)
    assert (bob.sex, bob.fold, bob.session, bob.text_id) == ("", "", "", "")


def test_ids_where_none_are_given(write):
    data = write(
        "path,label,speaker", *(f"{path},l,s" for path in ("x/a.wav", "b.v.wav", "x/a.wav"))
    )
    assert [s.id for s in read(data).segments] == ["x/a_1", "b.v", "x/a_2"]


def test_all_mistakes_at_once_with_their_lines(write):
    data = write(
        HEADING,
        "good.wav,joy,ann,train,1,,",
        ",,,train,1,,",
        "a.wav,joy,ann,tset,1,soon,-1",
        "b.wav,joy,ann,train,1,2,2",
        "c.wav,joy,ann",
        "d.wav,joy,bob,train,,0,1,",
        "e.wav,joy,ann,test,2,,",
        "f.wav,joy,ann,test,2,,",
    )
    found = problems(data)
    assert [(kind, line) for kind, line, _ in found] == [
        ("malformed line", 6),
        ("malformed line", 7),
        *[("malformed line", 3)] * 3,
        *[("malformed line", 4)] * 3,
        ("malformed line", 5),
        *[("speaker in two splits", 8)] * 2,
    ]
    said = " ".join(what for *_, what in found)
    for words in (
        *("expected 7 cells as in the heading, found 3", "found 8"),
        *("`path` is empty", "`label` is empty", "`speaker` is empty"),
        *("one of train, validation, test, or empty, and is 'tset'", "`start` must be seconds"),
        *("and is '-1'", "`end` must be later than `start`: '2' to '2'"),
        *("`split` of speaker 'ann' is 'test', and in line 2 'train'", "`fold` of speaker 'ann'"),
    ):
        assert words in said


def test_an_id_twice(write):
    data = write("id,path,label,speaker", "x,a.wav,l,s", "x,b.wav,l,s", ",x.wav,l,s")
    assert problems(data) == [
        ("malformed line", 3, "the id 'x' is that of line 2"),
        ("malformed line", 4, "the id 'x' is that of line 2"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.wav,joy\n", "no column speaker in .*line 1: path,label"),
        ("path|label|speaker\na.wav|joy|ann\n", "no column path, label, speaker"),
        ("path;label\na.wav;joy\n", "no column speaker"),
        ("file,path,label,speaker,label\n", "a column that comes twice"),
        ("path,label,speaker,Path\n", "a column that comes twice"),
        ("", "no column path, label, speaker"),
        ('path,label,speaker\n"a.wav,joy,ann\n', "must be a CSV with commas, in UTF-8"),
    ],
)
def test_files_that_are_no_such_table(write, text, message):
    with pytest.raises(ValueError, match=message):
        read(write(text))


@pytest.mark.parametrize("spelling", ["a.wav", "./a.wav", "sub/../a.wav", "link.wav", "sub/a.wav"])
def test_one_file_in_two_rows_by_any_spelling(write, tmp_path, spelling):
    (tmp_path / "sub").mkdir()
    for name in ("a.wav", "other.wav"):
        (tmp_path / name).touch()
    (tmp_path / "link.wav").symlink_to("a.wav")
    (tmp_path / "sub" / "a.wav").hardlink_to(tmp_path / "a.wav")
    write(
        HEADING,
        "other.wav,joy,bob,train,,,",
        "a.wav,anger,ann,train,,0.5,2",
        f"{spelling},happy,ann,train,,0,0.5",
        # The only one that can't be true.
        f"{spelling},joy,ann,train,,1.9,",
    )
    found = problems(tmp_path)
    assert [(kind, line) for kind, line, _ in found] == [("audio in two rows", 5)]
    assert "line 3" in found[0][2]
    assert "`label` is 'joy' and there 'anger'" in found[0][2]


def test_what_overlaps_must_be_alike(write):
    data = write(
        HEADING,
        # Files that are not there; the first two rows mean the same.
        "a.wav,joy,ann,,1,0,2",
        "A.wav,Happy,ann,,1,1,3",
        "a.wav,joy,bob,,2,2.5,4",
        "a.wav,joy,bob,,2,3,4",
        "a.wav,joy,bob,,2,3,4",
        # Not more than what rounding does.
        "a.wav,sad,bob,,2,3.9995,5",
        "b.wav,sad,bob,,2,,1",
        "./b.wav,joy,cleo,,3,,",
        "b.wav,sad,bob,,2,0.25,0.5",
    )
    assert [(line, what) for _, line, what in problems(data)] == [
        (
            4,
            "the same audio as in line 3, 'a.wav' ('A.wav'): `speaker` is 'bob' and there 'ann', "
            "`fold` is '2' and there '1'",
        ),
        (6, "the same audio as in line 5, 'a.wav': twice"),
        (
            9,
            "the same audio as in line 8, './b.wav' ('b.wav'): `label` is 'joy' and there 'sad', "
            "`speaker` is 'cleo' and there 'bob', `fold` is '3' and there '2'",
        ),
        (
            10,
            "the same audio as in line 9, 'b.wav' ('./b.wav'): `label` is 'sad' and there 'joy', "
            "`speaker` is 'bob' and there 'cleo', `fold` is '2' and there '3'",
        ),
    ]


def test_speakers_that_differ_by_case_or_leading_zeros(write):
    speakers = (
        "Bob",
        "01",
        "bob",
        "1",
        "10",
        "bob",
        "s_007",
        "S_7",
        "s_70",
        "Jose\u0301",
        "Jos\xe9",
    )
    data = write("path,label,speaker", *(f"{i}.wav,joy,{name}" for i, name in enumerate(speakers)))
    assert [(line, what) for _, line, what in problems(data)] == [
        (4, "`speaker` is 'bob', and in line 2 'Bob': one or two people?"),
        (5, "`speaker` is '1', and in line 3 '01': one or two people?"),
        (9, "`speaker` is 'S_7', and in line 8 's_007': one or two people?"),
    ]


@pytest.mark.parametrize("label", ["nan", "NaN", "None", "null", " N/A", "?", "???", "<NA>", "NA"])
def test_labels_that_are_no_classes(write, label):
    data = write("path,label,speaker,fold", f"a.wav,{label},ann,NaN", "b.wav,Joy,ann,none")
    prepared = read(data)
    assert [(p.kind, p.where[-2:]) for p in prepared.problems] == [("malformed line", ":2")]
    assert f"`label` is '{label.strip()}'" in prepared.problems[0].what
    assert [(s.label, s.fold) for s in prepared.segments] == [("joy", "")]


def test_labels_and_speakers_are_composed_and_stripped(write):
    data = write("path,label,speaker", "cafe\u0301.wav, De\u0301gou\u0302t ,\xa0Zoe\u0308 ")
    (found,) = read(data).segments
    assert (found.label, found.speaker) == ("d\xe9go\xfbt", "Zo\xeb")
    # A file is found by its own bytes.
    assert found.path == "cafe\u0301.wav"
    settings = CustomSettings(labels=["DE\u0301GOU\u0302T", "joie"])
    assert task_of(settings, [found, dataclasses.replace(found, label="joy")]).names == (
        "disgust",
        "happiness",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What audformat and pandas write.
        ("0 days,0 days 00:00:01.5", (0, 1.5)),
        ("0 days 00:01:02.250000,NaT", (62.25, None)),
        ("NaT,1 days 00:00:00", (None, 86400)),
        ("00:00:01,1:02.5", (1, 62.5)),
        ("1.25,2", (1.25, 2)),
        ('"1,25","2,5"', (1.25, 2.5)),
        ("nan,", (None, None)),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_times_and_delimiters_of_others(tmp_path, text, expected, delimiter):
    rows = list(csv.reader(["file,start,end,speaker,emotion,gender", f"a.wav,{text},ann,Joy,f"]))
    with (tmp_path / "clips.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    prepared = read(tmp_path)
    assert prepared.problems == []
    (found,) = prepared.segments
    assert (found.path, found.label, found.sex, found.speaker) == ("a.wav", "joy", "f", "ann")
    assert (found.start, found.end) == expected


def test_which_table(write, tmp_path):
    with pytest.raises(FileNotFoundError, match="path, label, speaker"):
        read(tmp_path)
    write("path,label,speaker", "a.wav,joy,ann")
    write("path,label,speaker", "b.wav,joy,bob", name="other.csv")
    with pytest.raises(ValueError, match=r"clips.csv, other.csv"):
        read(tmp_path)
    assert read(tmp_path, csv=tmp_path / "other.csv").segments[0].path == "b.wav"
    with pytest.raises(FileNotFoundError, match="none.csv"):
        read(tmp_path, csv=tmp_path / "none.csv")


def test_the_command(write, tmp_path, capsys):
    data, out = tmp_path / "audio", tmp_path / "out"
    data.mkdir()
    write_sparse(data / "a.wav", 2700 * 16000, [])
    lines = "a.wav,Joy,ann,,,0,900", "a.wav,calm,ann,,,900,2700.05"
    table = write(HEADING, *lines) / "clips.csv"
    arguments = ["prepare", "--data", str(data), "--csv", str(table), "--out", str(out)]
    assert main([*arguments, "--no-store"]) == 0
    rows = [line.replace("│", "|") for line in capsys.readouterr().out.splitlines()]
    table = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows if "|" in row]
    assert table == [
        ["calm", "1", "1", "0.500"],
        ["joy", "1", "1", "0.250"],
        ["all", "2", "1", "0.750"],
    ]
    segments = read_manifest(out / "manifest.csv")
    assert [(s.id, s.start, s.label) for s in segments] == [
        ("a_1", 0, "joy"),
        ("a_2", 900, "calm"),
    ]

    write(HEADING, "a.wav,Joy,ann,,,0.25,0.5", "a.wav,calm,,,,0.5,0.75", "b.wav,joy,bob,,,,")
    capsys.readouterr()
    assert main([*arguments, "--no-store"]) == 2
    out, err = capsys.readouterr()
    assert "clips.csv:3: `speaker` is empty" in out
    assert "b.wav" in out
    assert "--allow-malformed-line --allow-missing-audio" in err


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.binary(max_size=100),
        st.text('a1.,"\n\r \0é-e', max_size=80).map(lambda text: f"{HEADING}\n{text}".encode()),
    )
)
def test_any_file_gives_segments_problems_or_an_error(tmp_path, content):
    (tmp_path / "clips.csv").write_bytes(content)
    try:
        prepared = read(tmp_path)
    except ValueError as error:
        assert "clips.csv" in str(error)
        assert re.search(r"line \d+", str(error))
    else:
        assert all(re.search(r"clips\.csv:\d+$", p.where) for p in prepared.problems)
        ids = [s.id for s in prepared.segments]
        assert len(ids) == len(set(ids))
