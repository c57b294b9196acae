import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.common.manifest import read_manifest
from recipes.custom.__main__ import main
from recipes.custom.manifest import read
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
        *[("speaker in two parts", 8)] * 2,
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
        ("path;label;speaker\na.wav;joy;ann\n", "no column path, label, speaker"),
        ("path,label,speaker,Path\n", "a column that comes twice"),
        ("", "no column path, label, speaker"),
        ('path,label,speaker\n"a.wav,joy,ann\n', "must be a CSV with commas, in UTF-8"),
    ],
)
def test_files_that_are_no_such_table(write, text, message):
    with pytest.raises(ValueError, match=message):
        read(write(text))


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
    write_sparse(data / "a.wav", 16000, [])
    table = write(HEADING, "a.wav,Joy,ann,,,0.25,0.5", "a.wav,calm,ann,,,0.5,0.75") / "clips.csv"
    arguments = ["prepare", "--data", str(data), "--csv", str(table), "--out", str(out)]
    assert main([*arguments, "--no-store"]) == 0
    segments = read_manifest(out / "manifest.csv")
    assert [(s.id, s.start, s.label) for s in segments] == [
        ("a_1", 0.25, "joy"),
        ("a_2", 0.5, "calm"),
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
