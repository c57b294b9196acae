import csv
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.common.manifest import by_split, read_manifest
from recipes.daic_woz.__main__ import main
from recipes.daic_woz.errata import ERRATA, is_sync
from recipes.daic_woz.manifest import read
from recipes.daic_woz.participants import read_participants
from recipes.daic_woz.transcript import read_transcript
from tests.recipes.copies import daic_woz as copies
from tests.recipes.copies.audio import write_sparse

TRAIN = "train_split_Depression_AVEC2017.csv"
TEST = "full_test_split.csv"
garbage = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A copy that no test changes, and its rows."""
    folder = tmp_path_factory.mktemp("daic_woz")
    return folder, copies.tiny(folder)


@pytest.fixture
def copy(tmp_path):
    """A copy for a test to damage."""
    folder = tmp_path / "copy"
    folder.mkdir()
    copies.tiny(folder)
    return folder


def same(segments, rows, without=()):
    found = [(s.id, s.start, s.end, s.label) for s in segments]
    wanted = copies.expected(rows, without)
    assert [row[0] for row in found] == [row[0] for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one[1:3] == pytest.approx(other[1:3], abs=1e-6)
        assert one[3] == other[3]


def edit(path, pattern, new):
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, new, text, flags=re.MULTILINE)
    assert count == 1
    path.write_text(changed, encoding="utf-8")


def problems(data):
    return [(p.kind, p.where, p.what) for p in read(data).problems]


def test_rows_of_the_participants(tiny):
    folder, rows = tiny
    prepared = read(folder)
    assert prepared.problems == []
    same(prepared.segments, rows)
    about = {row.session: (row.split, row.sex) for row in rows}
    for segment in prepared.segments:
        session = segment.session
        assert segment.speaker == session
        assert segment.path == f"{session}_P/{session}_AUDIO.wav"
        assert (segment.split, segment.sex) == about[session]
        assert segment.fold == segment.text_id == ""
    assert {sex for _, sex in about.values()} == {"female", "male"}
    assert all(by_split(prepared.segments).values())


def test_sessions_unpacked_into_folders_of_their_own_names(copy):
    before = read(copy)
    outer = next(copy.glob("*_P"))
    outer.rename(copy / "moved")
    outer.mkdir()
    (copy / "moved").rename(outer / outer.name)
    after = read(copy)
    assert after.problems == before.problems == []
    paths = {s.path for s in after.segments}
    assert f"{outer.name}/{outer.name}/{outer.name[:3]}_AUDIO.wav" in paths
    assert all((copy / path).is_file() for path in paths)
    assert len(after.segments) == len(before.segments)


@pytest.mark.parametrize("name", ERRATA)
def test_each_erratum_can_be_left(tiny, name):
    folder, rows = tiny
    prepared = read(folder, no_erratum=[name])
    assert prepared.problems == []
    same(prepared.segments, rows, [name])
    assert prepared.segments != read(folder).segments


def test_no_erratum_at_all(tiny):
    folder, rows = tiny
    same(read(folder, no_erratum=list(ERRATA)).segments, rows, ERRATA)
    with pytest.raises(ValueError, match="offset-318.*Received: no_erratum=offset-300"):
        read(folder, no_erratum=["offset-300"])


@pytest.mark.parametrize(
    "text", [*copies.SYNC, "<Sync>", "sync", " [ sync ]", "um <sync>", "<start sync>", "<synching>"]
)
def test_sync_marks(text):
    assert is_sync(text)


@pytest.mark.parametrize("text", ["in sync with it", "<laughter> yeah", "", "[asynchronous]"])
def test_no_sync_marks(text):
    assert not is_sync(text)


def test_a_row_that_the_end_of_the_recording_cuts(copy):
    *_, last = [s for s in read(copy).segments if s.session == "300"]
    write_sparse(copy / last.path, round((last.start + 0.2) * 16000), [])
    (found,) = [s for s in read(copy).segments if s.id == last.id]
    assert (found.start, found.end) == (last.start, pytest.approx(last.start + 0.2, abs=1e-4))


def test_a_row_behind_the_end_of_the_recording(copy, tmp_path, capsys):
    *before, last = [s for s in read(copy).segments if s.session == "300"]
    write_sparse(copy / last.path, round((last.start - 0.1) * 16000), [])
    options = ["--allow-count-mismatch", "--no-store", "--out", str(tmp_path / "out")]
    assert main(["prepare", "--data", str(copy), *options]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    number = last.id.partition("_")[2]
    assert f"row behind the recording's end: 1 300_P/300_TRANSCRIPT.csv: row {number} beg" in shown
    found = read_manifest(tmp_path / "out" / "manifest.csv")
    assert [s.id for s in found if s.session == "300"] == [s.id for s in before]


def test_missing_files(copy):
    (copy / "300_P" / "300_TRANSCRIPT.csv").unlink()
    (copy / "303_P" / "303_AUDIO.wav").unlink()
    (copy / "307_P" / "307_AUDIO.wav").unlink()
    (copy / "307_P" / "307_TRANSCRIPT.csv").unlink()
    found = [(kind, where) for kind, where, _ in problems(copy)]
    # That the audio of a listed segment is missing is found out for all corpora in one place.
    assert found == [
        ("missing transcript", "300_P/300_TRANSCRIPT.csv"),
        ("missing audio", "307_P"),
    ]
    (copy / TEST).unlink()
    (copy / TRAIN).unlink()
    with pytest.raises(FileNotFoundError, match=f"without {TRAIN}, {TEST}"):
        read(copy)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1.0\t2.0", "cells with tabs"),
        ("x\t2.0\tParticipant\tyes", "a begin and a later end"),
        ("2.0\t2.0\tParticipant\tyes", "a begin and a later end"),
        ("nan\tinf\tParticipant\tyes", "a begin and a later end"),
        ("1.0\t2.0\tInterviewer\tyes", "Ellie or Participant"),
    ],
)
def test_lines_that_are_no_rows(copy, line, what):
    path = copy / "303_P" / "303_TRANSCRIPT.csv"
    count = len(read(copy).segments)
    edit(path, r"^(.*thanks for coming.*)$", rf"\1\n{line}")
    ((kind, where, said),) = problems(copy)
    assert (kind, where) == ("malformed line", "303_P/303_TRANSCRIPT.csv:7")
    assert what in said
    assert len(read(copy).segments) == count


def test_rows_that_are_unusual_but_good(copy):
    path = copy / "303_P" / "303_TRANSCRIPT.csv"
    path.write_bytes(
        b"\xef\xbb\xbfstart_time\tstop_time\tspeaker\tvalue\n"
        b'1\t1.5\tEllie\t"\n2\t2.5\tparticipant\tcaf\xe9 "\n'
        b"3\t3.5\tParticipant\n4\t4.5\tParticipant\t\t"
    )
    found = [s for s in read(copy).segments if s.session == "303"]
    assert [s.id for s in found] == ["303_2", "303_3", "303_4"]
    assert problems(copy) == []


def test_a_transcript_with_another_heading(copy):
    path = copy / "303_P" / "303_TRANSCRIPT.csv"
    edit(path, "start_time", "begin")
    ((kind, where, what),) = problems(copy)
    assert (kind, where) == ("malformed line", "303_P/303_TRANSCRIPT.csv:1")
    assert "start_time, stop_time, speaker, value" in what


@pytest.mark.parametrize(
    ("file", "pattern", "new", "problem"),
    [
        (TRAIN, r"^303,1,", "303,,", ("unknown label", TRAIN, "found ''")),
        (TRAIN, r"^303,1,", "303,2,", ("unknown label", TRAIN, "found '2'")),
        (TRAIN, r"^303,", "x3,", ("malformed line", TRAIN, "a participant's number")),
        (TRAIN, r"^303,", "302,", ("participant twice", "dev_split", "for the train split")),
        (TEST, r"^307,", "600,", ("unknown label", "test_split", "participant 307 is labelled")),
        (
            "test_split_Depression_AVEC2017.csv",
            r"^307,",
            "303,",
            ("participant twice", "test_split", "for the train split"),
        ),
    ],
)
def test_bad_rows_of_the_split_files(copy, file, pattern, new, problem):
    edit(copy / file, pattern, new)
    kind, where, what = problems(copy)[0]
    assert kind == problem[0]
    assert re.match(re.escape(problem[1]) + r".*:\d+$", where)
    assert problem[2] in what


def test_split_files_without_the_columns(copy):
    edit(copy / TEST, "PHQ_Binary", "Depressed")
    with pytest.raises(ValueError, match=r"full_test_split.csv' must have .*phq_binary"):
        read(copy)


def test_the_command(tiny, tmp_path, capsys, failed):
    folder, rows = tiny
    out = tmp_path / "out"
    data = ["prepare", "--data", folder, "--out", out, "--no-store"]
    assert main([str(option) for option in data]) == 2
    screen = capsys.readouterr()
    assert re.search(r"test participants\D+47\D+3\b", screen.out)
    assert "--allow-count-mismatch" in screen.err
    assert not (out / "manifest.csv").exists()
    options = [*data, "--allow-count-mismatch", "--no-erratum", "sync", "--no-erratum", "label-409"]
    assert main([str(option) for option in options]) == 0
    capsys.readouterr()
    same(read_manifest(out / "manifest.csv"), rows, ["sync", "label-409"])
    assert "offset-318" in failed(main, *data, "--no-erratum", "offset-300")


@pytest.mark.slow
@pytest.mark.parametrize("without", [(), ("label-409",)])
def test_every_published_count(tmp_path, capsys, without):
    data, out = tmp_path / "copy", tmp_path / "out"
    data.mkdir()
    rows = copies.full(data)
    options = [option for name in without for option in ("--no-erratum", name)]
    assert main(["prepare", "--data", str(data), "--out", str(out), *options]) == 0
    assert "All 8 published counts match." in capsys.readouterr().out
    segments = read_manifest(out / "manifest.csv")
    same(segments, rows, without)
    assert len({s.session for s in segments}) == 189
    with (out / "store" / "index.csv").open() as file:
        assert sum(1 for _ in csv.DictReader(file)) == len(segments)
    people = {(s.speaker, s.split, s.label) for s in segments}
    for split, count in copies.PARTICIPANTS.items():
        mates = [label for _, found, label in people if found == split]
        relabelled = split == "train" and not without
        assert (len(mates), mates.count("1")) == (count, copies.DEPRESSED[split] + relabelled)


@garbage
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.text("0123456789.\t\n -Participant<sync>\"'\0", max_size=30)).map(
            lambda lines: "\n".join(["start_time\tstop_time\tspeaker\tvalue", *lines]).encode()
        ),
    )
)
def test_any_transcript_gives_rows_or_problems(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    rows, wrong = read_transcript(path, "t.csv")
    assert all(re.fullmatch(r"t\.csv:\d+", problem.where) for problem in wrong)
    assert all(row.start < row.stop for row in rows if row.speaker == "participant")


@garbage
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text("0123,456\n\r\"' \0Aé", max_size=100).map(
            lambda text: f"Participant_ID,PHQ8_Binary,Gender\n{text}".encode()
        ),
    )
)
def test_any_split_file_gives_participants_or_an_error(tmp_path, content):
    for name in (TRAIN, "dev_split_Depression_AVEC2017.csv", TEST):
        (tmp_path / name).write_text("Participant_ID,PHQ8_Binary,Gender\n")
    (tmp_path / TRAIN).write_bytes(content)
    try:
        people, wrong = read_participants(tmp_path)
    except ValueError as error:
        assert TRAIN in str(error)
    else:
        assert all(re.fullmatch(rf"{re.escape(TRAIN)}:\d+", problem.where) for problem in wrong)
        assert all(person.label in ("0", "1") for person in people)
