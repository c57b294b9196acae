import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import soundfile
from rich.console import Console

from keras_reparam.audio import LogMel
from recipes.common import manifest
from recipes.common.files.lock import exclusive
from recipes.common.store import Store, add_speeds, build, build_store, layout, reading
from recipes.common.store.__main__ import main
from recipes.common.store.front_end import front_end_hash

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000
# Of the front end's defaults, in stores of before.
BEFORE = "ee24faedf59b"
EMPTY = dict.fromkeys(manifest.COLUMNS, "") | {"start": None, "end": None}


def segment(clip, path, start=None, end=None):
    values = {"id": clip, "path": path, "start": start, "end": end, "speaker": "s", "label": "l"}
    return manifest.Segment(**EMPTY | values)


def write_manifest(path, segments):
    rows = [",".join(manifest.COLUMNS)]
    for s in segments:
        rows.append(",".join(str(v) if v is not None else "" for v in vars(s).values()))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def noise(seconds, rate=RATE, channels=1, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate), channels))


@pytest.fixture(scope="module")
def data(tmp_path_factory, emodb4):
    """A corpus with every oddity that is still good: rates, channels, formats, lengths."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("03a01Wa", "08a01Na"):
        shutil.copy(emodb4 / "audio" / f"{name}.ogg", folder)
    soundfile.write(folder / "stereo44.wav", noise(1.3, 44100, 2), 44100, subtype="PCM_24")
    soundfile.write(folder / "loud8.flac", 12 * noise(0.9, 8000), 8000)
    soundfile.write(folder / "7ms.wav", noise(0.007), RATE)
    silent = noise(2)
    silent[4000:20000] = 0
    soundfile.write(folder / "pause.wav", silent, RATE)
    soundfile.write(folder / "dialog.wav", noise(90), RATE)
    return folder


# In one recording: overlapping, and not in the order of time.
SEGMENTS = [
    segment("a", "03a01Wa.ogg"),
    segment("part2", "dialog.wav", 2.0, 3.25),
    segment("part1", "dialog.wav", None, 2.5),
    segment("long", "dialog.wav", 0.5),
    segment("b", "stereo44.wav"),
    segment("c", "loud8.flac"),
    segment("d", "7ms.wav"),
    segment("e", "pause.wav"),
    segment("f", "08a01Na.ogg"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory, data):
    return build_store(SEGMENTS, data, tmp_path_factory.mktemp("store"), log_mel=LogMel())


def reference(s, data):
    """The segment's samples by soundfile and librosa."""
    samples, rate = soundfile.read(data / s.path, always_2d=True)
    samples = librosa.resample(
        samples.mean(axis=1), orig_sr=rate, target_sr=RATE, res_type="soxr_hq"
    )
    end = len(samples) if s.end is None else round(s.end * RATE)
    return np.clip(samples, -1, 1)[round((s.start or 0) * RATE) : end]


def content(folder):
    """The bytes of every file."""
    found = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    assert not (folder / layout.UNFINISHED).exists()
    return found


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are read."""
    names, real = [], reading.read_blocks

    def counted(path, **options):
        names.append(path.name)
        return real(path, **options)

    monkeypatch.setattr(reading, "read_blocks", counted)
    return names


def test_samples_equal_soundfile_and_librosa(store, data):
    assert store.ids == tuple(s.id for s in SEGMENTS)
    assert (len(store), store.sample_rate) == (len(SEGMENTS), RATE)
    for s in SEGMENTS:
        expected, found = reference(s, data), store.audio(s.id)
        assert found.dtype == np.float32
        assert found.shape == (store.length(s.id),) == expected.shape
        assert np.abs(found - expected).max() <= 1 / 32768
    # 16 bits at 16 kHz come back as they were.
    whole = soundfile.read(data / "dialog.wav", dtype="int16")[0]
    np.testing.assert_array_equal(store.audio("part2") * 32768, whole[32000:52000])
    assert store.length("d") == 112


def test_files_are_plain_arrays(store):
    audio = np.load(store.folder / "audio.npy")
    assert audio.dtype == np.int16
    index = (store.folder / "index.csv").read_text(encoding="utf-8").splitlines()
    assert index[0].startswith("id,offset,length,")
    rows = [line.split(",")[:3] for line in index[1:]]
    ends = np.cumsum([int(length) for _, _, length in rows])
    assert [int(offset) for _, offset, _ in rows] == [0, *ends[:-1]]
    assert ends[-1] == len(audio)
    (settings,) = store.folder.glob("features-*.json")
    assert json.loads(settings.read_text())["num_mels"] == 64
    values = np.load(settings.with_suffix(".npy"))
    assert (values.dtype, values.shape[1]) == (np.float16, 64)
    mask = np.load(store.folder / settings.with_suffix(".npy").name.replace("features", "mask"))
    assert (mask.dtype, len(mask)) == (bool, len(values))


def test_features_equal_log_mel_and_librosa(store, data):
    log_mel = LogMel()
    features = store.features(log_mel)
    for s in SEGMENTS:
        samples = store.audio(s.id)
        frames = -(-len(samples) // 160)
        padded = np.pad(samples, (0, 2048 + -len(samples) % 160))
        # float16 has 11 bits; where the logarithm is near zero, what float32 lost comes to light.
        whole = keras.ops.convert_to_numpy(log_mel(padded))[0, :frames]
        values = features.values(s.id)
        assert (values.dtype, values.shape) == (np.float16, (frames, 64))
        np.testing.assert_allclose(values, whole, rtol=2**-11, atol=1e-4)
        mel = librosa.feature.melspectrogram(
            y=padded, sr=RATE, n_fft=512, win_length=400, hop_length=160, center=False, n_mels=64
        )
        np.testing.assert_allclose(values, np.log(mel.T[:frames] + 1e-6), rtol=2**-11, atol=1e-3)
        mask = keras.ops.convert_to_numpy(log_mel.compute_mask(padded))[0, :frames]
        np.testing.assert_array_equal(features.mask(s.id), mask)
    assert not features.mask("e").all()
    assert len(features.mask("d")) == 1


def test_features_without_level_and_offset_are_those_of_the_waveform(tmp_path, data, store):
    """Of clips that take several blocks, with an offset of their own."""
    shutil.copytree(store.folder, tmp_path, dirs_exist_ok=True)
    log_mel = LogMel(level_normalization=True, remove_dc_offset=True, log_offset=1e-5)
    added = build_store(SEGMENTS, data, tmp_path, log_mel=log_mel)
    found = added.features(log_mel)
    for s in SEGMENTS:
        samples = added.audio(s.id)
        padded = np.pad(samples, (0, -len(samples) % 160))
        mask = keras.ops.convert_to_numpy(log_mel.compute_mask(padded))[0]
        np.testing.assert_array_equal(found.mask(s.id), mask)
        expected = keras.ops.convert_to_numpy(log_mel(padded))[0]
        values = log_mel.normalize(found.values(s.id), mask=mask)
        # 11 bits of the logarithm of a mel value, about -20.
        np.testing.assert_allclose(values[mask], expected[mask], atol=0.01)
    # The floor is no part of what is stored; those of before are read as before.
    other = LogMel(level_normalization=True, remove_dc_offset=True, log_offset=1e-4)
    assert added.features(other).values("a").shape == found.values("a").shape
    assert store.features(LogMel()).values("a").shape == added.features(LogMel()).values("a").shape


def test_names_of_stored_features_are_those_of_before():
    """A store of the shipped model's front end, made before there were these options."""
    assert front_end_hash(LogMel()) == BEFORE
    assert front_end_hash(LogMel(utterance_mean=True, utterance_std=True)) == BEFORE
    assert front_end_hash(LogMel(remove_dc_offset=True)) != BEFORE
    assert front_end_hash(LogMel(level_normalization=True)) != BEFORE


def test_statistics_of_stored_features_are_those_of_the_waveforms(store):
    clips = [s.id for s in SEGMENTS if s.id != "long"]
    stored, direct = LogMel(), LogMel()
    values, mask = store.features(stored).padded(clips)
    assert values.shape[:2] == mask.shape == (len(clips), len(values[0]))
    assert values.dtype == np.float16
    stored.adapt(values, mask=mask)
    direct.adapt([store.audio(clip) for clip in clips])
    for name in ("mean", "std"):
        found, expected = (np.asarray(getattr(layer, name)) for layer in (stored, direct))
        np.testing.assert_allclose(found, expected, atol=1e-3)
    # What an adapted front end would store is what a fresh one has stored.
    assert store.features(stored).values("a").shape == store.features(direct).values("a").shape
    with pytest.raises(ValueError, match="at least one clip"):
        store.features(stored).padded([])


def test_second_front_end_and_second_run_read_nothing(tmp_path, data, store, reads):
    shutil.copytree(store.folder, tmp_path, dirs_exist_ok=True)
    before = content(tmp_path)
    build_store(SEGMENTS, data, tmp_path, log_mel=LogMel())
    assert content(tmp_path) == before
    other = LogMel(num_mels=8, window="hamming")
    with pytest.raises(FileNotFoundError, match="no features of this front end"):
        Store(tmp_path).features(other)
    assert (
        build_store(SEGMENTS, data, tmp_path, log_mel=other).features(other).values("a").shape[1]
        == 8
    )
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 3
    assert not reads


def test_features_at_another_speed(tmp_path, store):
    """Those of the resampled clips; a second call finds them there."""
    shutil.copytree(store.folder, tmp_path, dirs_exist_ok=True)
    log_mel, before = LogMel(), content(tmp_path)
    add_speeds(tmp_path, log_mel, (0.9, 1.0), Console(quiet=True))
    found = Store(tmp_path).features(log_mel, speed=0.9)
    for s in SEGMENTS:
        samples = librosa.resample(
            store.audio(s.id), orig_sr=0.9 * RATE, target_sr=RATE, res_type="soxr_hq"
        )
        frames = -(-round(store.length(s.id) / 0.9) // 160)
        padded = np.pad(np.clip(samples, -1, 1), (0, 2048))
        whole = keras.ops.convert_to_numpy(log_mel(padded))[0, :frames]
        values = found.values(s.id)
        assert values.shape == (frames, 64)
        # Rounding to 16 bits changes where it is quiet, and what is beyond the end.
        assert np.abs(values - whole)[:-3][whole[:-3] > -8].max(initial=0) < 0.05
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 3
    assert store.features(log_mel).values("a").shape != found.values("a").shape
    add_speeds(tmp_path, log_mel, (0.9, 1.0), Console(quiet=True))
    assert content(tmp_path) == after


def test_recordings_larger_than_memory(tmp_path, data, store, monkeypatch):
    monkeypatch.setattr(reading, "_BYTES_IN_MEMORY", 1000)
    monkeypatch.setattr(reading, "_BLOCK", 777)
    build_store(SEGMENTS, data, tmp_path)
    for name in ("audio.npy", "index.csv"):
        assert (tmp_path / name).read_bytes() == (store.folder / name).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "audio.npy", "index.csv"]


@pytest.fixture
def small(tmp_path):
    """A corpus of five files of one second, and their manifest."""
    folder = tmp_path / "small"
    folder.mkdir()
    for i in range(5):
        soundfile.write(folder / f"{i}.wav", noise(1, seed=i), RATE)
    return folder, [segment(f"clip{i}", f"{i}.wav") for i in range(5)]


def fresh(segments, data, folder, **options):
    """The bytes of a store built at one go."""
    build_store(segments, data, folder, **options)
    return content(folder)


def test_only_what_is_new_is_read(tmp_path, small, reads):
    folder, segments = small
    out, front_end = tmp_path / "out", LogMel(num_mels=8)
    build_store(segments[:3], folder, out, log_mel=front_end)
    reads.clear()

    # Added, removed, in another order.
    changed = [segments[4], segments[2], segments[3], segments[0]]
    build_store(changed, folder, out)
    assert sorted(reads) == ["3.wav", "4.wav"]
    assert sorted(content(out)) == [".lock", "audio.npy", "index.csv"]
    build_store(changed, folder, out, log_mel=front_end)
    assert content(out) == fresh(changed, folder, tmp_path / "one", log_mel=front_end)

    # Another file of the same name and size.
    reads.clear()
    soundfile.write(folder / "2.wav", noise(1, seed=9), RATE)
    os.utime(folder / "2.wav", (1, 1))
    build_store(changed, folder, out, log_mel=front_end)
    assert reads == ["2.wav"]
    assert content(out) == fresh(changed, folder, tmp_path / "two", log_mel=front_end)

    # Another segment of the same file; a label says nothing of the audio.
    reads.clear()
    changed[1] = segment("clip2", "2.wav", 0.25, 0.75)
    changed[0] = manifest.Segment(**vars(changed[0]) | {"label": "other"})
    assert build_store(changed, folder, out).length("clip2") == 8000
    assert reads == ["2.wav"]

    # A damaged store is built anew.
    os.truncate(out / "audio.npy", 1000)
    with pytest.raises(ValueError, match=r"audio\.npy|mmap"):
        Store(out)
    build_store(changed, folder, out)
    assert content(out) == fresh(changed, folder, tmp_path / "three")


def test_bad_clips_are_reported_together(tmp_path, small, reads):
    folder, segments = small
    (folder / "text.wav").write_text("no audio")
    (folder / "nan.wav").touch()
    soundfile.write(folder / "nan.wav", np.full(800, np.nan), RATE, subtype="FLOAT")
    soundfile.write(folder / "none.wav", np.zeros(0), RATE)
    bad = [
        segment("gone", "gone.wav"),
        segment("text", "text.wav"),
        segment("nan", "nan.wav"),
        segment("none", "none.wav"),
        segment("outside", "1.wav", 0.5, 1.5),
        segment("empty", "1.wav", 0.5, 0.5),
    ]
    listed = [bad[0], segments[0], bad[1], segments[1], bad[4], bad[5], bad[2], segments[2], bad[3]]
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"6 of 9 clips can't be read \(3 can") as error:
        build_store(listed, folder, out)
    assert "unreadable.csv" in str(error.value)
    assert sorted(p.name for p in out.iterdir()) == [".lock", ".unfinished", "unreadable.csv"]
    rows = (out / "unreadable.csv").read_text(encoding="utf-8").splitlines()
    assert sorted(row.split(",")[0] for row in rows[1:]) == sorted(s.id for s in bad)
    for text in ("no audio file", "NaN or infinity", "must lie within its file", "with none"):
        assert any(text in row for row in rows)
    with pytest.raises(FileNotFoundError, match="no whole store"):
        Store(out)

    # What could be read is not read again.
    reads.clear()
    assert build_store(listed, folder, out, skip_unreadable=True).ids == (
        "clip0",
        "clip1",
        "clip2",
    )
    assert not {"0.wav", "2.wav"} & set(reads)
    good = fresh(segments[:3], folder, tmp_path / "good")
    assert content(out).keys() - good.keys() == {"unreadable.csv"}
    assert content(out)["audio.npy"] == good["audio.npy"]

    # Mended: in its place.
    reads.clear()
    shutil.copy(folder / "4.wav", folder / "gone.wav")
    mended = [bad[0], *segments[:3]]
    build_store(mended, folder, out)
    assert reads == ["gone.wav"]
    assert content(out) == fresh(mended, folder, tmp_path / "mended")
    with pytest.raises(ValueError, match=r"1 of 1 clips can't be read \(0 can"):
        build_store([bad[1]], folder, tmp_path / "nothing", skip_unreadable=True)


def test_a_file_that_changes_while_it_is_read(tmp_path, small, monkeypatch):
    folder, segments = small
    real = reading.read_blocks

    def touching(path, **options):
        os.utime(path, (2, 2))
        return real(path, **options)

    monkeypatch.setattr(reading, "read_blocks", touching)
    with pytest.raises(OSError, match="changed or removed while it was read"):
        build_store(segments, folder, tmp_path / "out")


def test_ctrl_c_and_full_disk_keep_what_was_read(tmp_path, small, reads, monkeypatch):
    folder, segments = small
    out, real = tmp_path / "out", build.ReadLog.append
    monkeypatch.setattr(layout, "COMMIT_SECONDS", 0)
    for error, expected in ((KeyboardInterrupt, None), (OSError(28, "full"), "make room")):

        def failing(log, source, blocks, error=error):
            if len(log.pieces) in (2, 4):
                raise error
            real(log, source, blocks)

        monkeypatch.setattr(build.ReadLog, "append", failing)
        with pytest.raises((KeyboardInterrupt, OSError), match=expected):
            build_store(segments, folder, out)
        monkeypatch.setattr(build.ReadLog, "append", real)
        with build.ReadLog(out / layout.UNFINISHED) as log:
            assert [source.id for source in log.pieces] == ["clip0", "clip1"]
    reads.clear()
    build_store(segments, folder, out)
    assert reads == ["2.wav", "3.wav", "4.wav"]
    assert content(out) == fresh(segments, folder, tmp_path / "one")


def test_full_disk(small_disk, tmp_path, small, reads, monkeypatch):
    folder, segments = small
    monkeypatch.setattr(layout, "COMMIT_SECONDS", 0)
    (small_disk / "other").write_bytes(bytes(930_000))
    with pytest.raises(OSError, match=r"No space left for the store .* make room"):
        build_store(segments, folder, small_disk / "out")
    assert not (small_disk / "out" / "index.csv").exists()
    (small_disk / "other").unlink()
    kept = set(reads)
    reads.clear()
    build_store(segments, folder, small_disk / "out")
    assert kept
    assert len(reads) < len(segments)
    assert content(small_disk / "out") == fresh(segments, folder, tmp_path / "one")


# Runs under Keras's NumPy backend, where a process can be forked after Keras was imported, so a
# killed run costs some milliseconds.
KILLS = """
import json, os, random, shutil, signal, sys, time, traceback
from pathlib import Path

# Keras would import it to write a configuration.
sys.modules["tensorflow"] = None
from rich.console import Console

from keras_reparam.audio import LogMel
from recipes.common.manifest import read_manifest
from recipes.common.store import Store, build_store, features, layout, reading
from recipes.common.store.growing_array import GrowingArray

layout.COMMIT_SECONDS = 0
features._FRAMES, features._BLOCKS = 16, 4
# It guards against power cuts; what a killed process has written stays. It takes most of the time.
os.fsync = lambda file: None
data, work, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
old, new = (read_manifest(work / name) for name in ("old.csv", "new.csv"))
log_mel = LogMel(num_mels=4)
real_read = reading.read_blocks
read = work / "reads"


def counted(path, **options):
    with read.open("a") as file:
        file.write(path.name + chr(10))
    return real_read(path, **options)


reading.read_blocks = counted


def start(segments, folder, arm=lambda: None):
    pid = os.fork()
    if pid:
        return pid
    try:
        arm()
        build_store(segments, data, folder, log_mel=log_mel)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def arm(number):
    # Dies at the given one of all writes, fsyncs, renamings and removals; a write, in its middle.
    events = 0

    def deadly(function, half=False):
        def call(*arguments, **options):
            nonlocal events
            events += 1
            if events == number:
                if half:
                    array, rows = arguments
                    function(array, rows[: len(rows) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in ("replace", "fsync", "unlink", "truncate", "rmdir"):
        setattr(os, name, deadly(getattr(os, name)))
    GrowingArray._write = deadly(GrowingArray._write, half=True)


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def kept(folder):
    journal = folder / ".unfinished" / "read.jsonl"
    lines = journal.read_bytes().split(b"\\n")[:-1] if journal.exists() else []
    found = {json.loads(line)[0][1] for line in lines}
    # The samples may have reached their place already.
    return found if (folder / ".unfinished" / "read.npy").exists() else set()


def check_nothing_half(folder, *whole):
    if not folder.exists():
        return  # killed before anything began
    for name, found in content(folder).items():
        assert any(found == files.get(name) for files in whole), name
    try:
        store = Store(folder)
    except FileNotFoundError:
        return
    index = (folder / "index.csv").read_bytes()
    (files,) = [files for files in whole if files["index.csv"] == index]
    assert (folder / "audio.npy").read_bytes() == files["audio.npy"]
    try:
        store.features(log_mel).mask(store.ids[0])
    except FileNotFoundError:
        return
    for name in files:
        assert (folder / name).read_bytes() == files[name], name


def read_now():
    return set(read.read_text().split()) if read.exists() else set()


for name, segments in (("old", old), ("new", new)):
    assert wait(start(segments, work / name)) == 0
old_files, new_files = content(work / "old"), content(work / "new")
assert len(new_files) == 6

kills = 0
if what == "every":
    for begin in ("nothing", "old"):
        for number in range(1, 1000):
            folder = work / "trial"
            shutil.rmtree(folder, ignore_errors=True)
            if begin == "old":
                shutil.copytree(work / "old", folder)
            code = wait(start(new, folder, lambda: arm(number)))
            assert code in (0, -signal.SIGKILL), code
            if code == 0:
                break
            kills += 1
            check_nothing_half(folder, old_files, new_files)
            there = kept(folder)
            if (folder / "index.csv").exists() or (folder / ".unfinished" / "index.csv").exists():
                there |= set() if begin == "old" else {s.path for s in new}
            read.unlink(missing_ok=True)
            assert wait(start(new, folder)) == 0
            assert content(folder) == new_files, (begin, number)
            assert not (folder / ".unfinished").exists()
            again = read_now()
            assert not again & there, (begin, number, again & there)
            if begin == "old":
                # What the former store holds is never read.
                assert again <= {s.path for s in new} - {s.path for s in old}
else:
    begin = time.monotonic()
    assert wait(start(new, work / "timed")) == 0
    seconds = time.monotonic() - begin
    chance = random.Random(int(sys.argv[4]))
    while kills < int(sys.argv[5]):
        folder = work / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        code = None
        while code != 0:
            pid = start(new, folder)
            time.sleep(chance.uniform(0, seconds))
            there = kept(folder)
            os.kill(pid, signal.SIGKILL)
            code = wait(pid)
            kills += code != 0
            check_nothing_half(folder, new_files)
            # Or all samples are on their way, and the next build takes them from there.
            on_the_way = (folder / ".unfinished" / "audio.npy", folder / "audio.npy")
            assert there <= kept(folder) or any(path.exists() for path in on_the_way)
        assert content(folder) == new_files
print(kills)
"""


@pytest.fixture
def kills(run_python, tmp_path):
    """Runs `KILLS` on a small corpus: how many processes were killed."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for i in range(5):
        soundfile.write(folder / f"{i}.wav", noise(0.4 + i / 10, seed=i), RATE)
    new = [segment(f"clip{i}", f"{i}.wav") for i in range(5)]
    write_manifest(tmp_path / "new.csv", new)
    write_manifest(tmp_path / "old.csv", [new[3], new[1]])

    def run(*arguments):
        child = run_python(
            *("-c", KILLS, folder, tmp_path, *arguments),
            env={"KERAS_BACKEND": "numpy"},
            timeout=900,
        )
        assert child.returncode == 0, child.stderr[-3000:]
        return int(child.stdout)

    return run


@pytest.mark.slow
def test_killed_at_random_moments(kills):
    assert kills("random", "0", "10") >= 10


@pytest.mark.nightly
def test_killed_at_many_random_moments(kills):
    assert kills("random", "1", "30") >= 30


@pytest.mark.slow
def test_killed_at_every_write_and_renaming(kills):
    assert kills("every") > 100


def test_one_writer_at_a_time(tmp_path, small):
    folder, segments = small
    out = tmp_path / "out"
    build_store(segments[:2], folder, out)
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from recipes.common.files.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, out], cwd=ROOT, stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout.readline() == b"locked\n"
            with pytest.raises(BlockingIOError, match="Another process is writing"):
                build_store(segments, folder, out)
            # Reading goes on.
            assert len(Store(out)) == 2
        finally:
            other.send_signal(signal.SIGKILL)
    with exclusive(out):
        pass
    assert len(build_store(segments, folder, out)) == 5


class Batches(keras.utils.PyDataset):
    """Mean sample of each clip, twice: by the store as it is, and as another process gets it."""

    def __init__(self, store):
        super().__init__(workers=2)
        self._store = store

    def __len__(self):
        return len(self._store)

    def __getitem__(self, index):
        clip = self._store.ids[index]
        other = pickle.loads(pickle.dumps(self._store))
        return np.array([[self._store.audio(clip).mean(), other.audio(clip).mean()]])


def test_workers_read_the_store(store):
    features = store.features(LogMel())
    # The arrays are not sent, but opened again.
    assert len(pickle.dumps(store)) < 5000
    assert len(pickle.dumps(features)) < 5000
    other = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(other.values("f"), features.values("f"))
    np.testing.assert_array_equal(other.mask("f"), features.mask("f"))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    found = model.predict(Batches(store), verbose=0)
    expected = [store.audio(clip).mean() for clip in store.ids]
    np.testing.assert_allclose(found, np.stack([expected] * 2, axis=1), rtol=1e-6)


def test_unknown_names(store, tmp_path, small):
    with pytest.raises(KeyError, match="no clip 'x'"):
        store.audio("x")
    with pytest.raises(KeyError, match="no features of a clip 'x'"):
        store.features(LogMel()).values("x")
    with pytest.raises(FileNotFoundError, match="Build it: python -m"):
        Store(tmp_path)
    folder, segments = small
    with pytest.raises(ValueError, match="same `sample_rate`"):
        build_store(segments, folder, tmp_path / "o", log_mel=LogMel(sample_rate=8000))
    with pytest.raises(FileNotFoundError, match="no folder"):
        build_store(segments, tmp_path / "none", tmp_path / "o")
    with pytest.raises(NotADirectoryError, match="Received a file"):
        build_store(segments, folder, folder / "0.wav")
    assert not (tmp_path / "o").exists()


def test_command(tmp_path, small, capsys, failed):
    folder, segments = small
    listing = write_manifest(tmp_path / "m.csv", segments)
    arguments = ["--manifest", str(listing), "--data", str(folder), "--out", str(tmp_path / "o")]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("5 clips, 0.00 hours, 0.")
    assert not printed.err
    assert Store(tmp_path / "o").features(LogMel()).values("clip4").shape == (100, 64)
    write_manifest(listing, [*segments, segment("x", "x.wav")])
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert "1 of 6 clips can't be read" in printed
    assert main([*arguments, "--skip-unreadable"]) == 0
    assert "left out" in capsys.readouterr().err
    failed(main, *arguments[:1], "none.csv", *arguments[2:])
    assert "--data" in failed(main, *arguments[:2])


@pytest.mark.slow
def test_command_killed_at_random_moments(run_python, tmp_path, emodb4):
    options = ["--manifest", emodb4 / "emodb4.csv", "--data", emodb4, "--out"]
    command = [sys.executable, "-m", "recipes.common.store", *options]
    start = time.monotonic()
    child = run_python(*command[1:], tmp_path / "whole", cwd=ROOT)
    seconds = time.monotonic() - start
    assert child.returncode == 0, child.stderr
    assert not child.stderr
    whole = content(tmp_path / "whole")
    random = np.random.default_rng(0)
    killed = 0
    while killed < 2:
        with subprocess.Popen([*command, tmp_path / "killed"], cwd=ROOT) as process:
            # Ctrl-C once; then as hard as can be.
            try:
                code = process.wait(random.uniform(0.2, 1) * seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL if killed else signal.SIGINT)
                code = process.wait()
        killed += code != 0
        if code == 0:
            assert content(tmp_path / "killed") == whole
            shutil.rmtree(tmp_path / "killed")
        else:
            assert killed != 1 or code == 128 + signal.SIGINT
            found = (tmp_path / "killed").glob("[!.]*")
            assert all(path.read_bytes() == whole[path.name] for path in found)
    child = run_python(*command[1:], tmp_path / "killed", cwd=ROOT)
    assert child.returncode == 0, child.stderr
    assert content(tmp_path / "killed") == whole


def peak_memory(process):
    """Peak resident bytes of a process and all its children, until it ends.

    The sum of every process's own peak (VmHWM, which counts pages of mapped files too): at least
    the peak of the whole.
    """
    peaks = {}
    while process.poll() is None:
        parents, now = {}, {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            values = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            parents[int(values["Pid"])] = int(values["PPid"])
            now[int(values["Pid"])] = 1024 * int(values.get("VmHWM", "0 kB").split()[0])
        for pid, peak in now.items():
            ancestor = pid
            while ancestor not in (0, process.pid):
                ancestor = parents.get(ancestor, 0)
            if ancestor:
                peaks[pid] = max(peak, peaks.get(pid, 0))
        time.sleep(0.5)
    return sum(peaks.values())


@pytest.mark.nightly
def test_twelve_hours_in_bounded_memory(tmp_path, emodb4, capsys):
    if not sys.platform.startswith("linux"):
        pytest.skip("the peak is read from /proc")
    if shutil.disk_usage(tmp_path).free < 8e9:
        pytest.skip("needs 8 GB of disk")
    folder = tmp_path / "clips"
    folder.mkdir()
    # As FLAC, since decoding Opus would take longer than all the rest.
    clips = manifest.read_manifest(emodb4 / "emodb4.csv")
    seconds = 0
    for s in clips:
        samples, rate = soundfile.read(emodb4 / s.path, dtype="int16")
        soundfile.write(folder / f"{s.id}.flac", samples, rate)
        seconds += len(samples) / rate
    rows = []
    while seconds * len(rows) < 12 * 3600 * len(clips):
        rows += [segment(f"{s.id}-{len(rows)}", f"{s.id}.flac") for s in clips]
    # One of them a recording of an hour at another rate, whole.
    soundfile.write(folder / "hour.wav", np.tile(noise(60, 8000), (60, 1)), 8000)
    rows[1000] = segment("hour", "hour.wav")
    listing = write_manifest(tmp_path / "m.csv", rows)
    start = time.monotonic()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "recipes.common.store"),
            *("--manifest", listing, "--data", folder, "--out", tmp_path / "store"),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "2"},
    ) as process:
        peak = peak_memory(process)
    minutes = (time.monotonic() - start) / 60
    store = Store(tmp_path / "store")
    hours = sum(map(store.length, store.ids)) / RATE / 3600
    with capsys.disabled():
        print(f"\n{hours:.1f} h: peak {peak / 1e9:.2f} GB, {hours / minutes:.1f} hours per minute")
    assert process.returncode == 0
    assert hours >= 12
    assert peak < 1.5e9
    last = store.ids[-1]
    samples = soundfile.read(folder / rows[-1].path, dtype="int16")[0]
    np.testing.assert_array_equal(store.audio(last) * 32768, samples)
    shutil.rmtree(tmp_path / "store")
