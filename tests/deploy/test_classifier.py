"""The classifier against the windows done by hand, and against files of every kind."""

import itertools
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import librosa
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.audio import load
from keras_reparam.audio.windows import windows
from keras_reparam.deploy import Classifier, load_classifier
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata

WINDOW, RATE = 64000, 16000


@pytest.fixture(scope="module")
def classifier(int8_file):
    return load_classifier(int8_file)


@pytest.fixture(scope="module")
def run(int8_file):
    """Scores of one window, by the interpreter alone."""
    runtime = Runtime(int8_file.read_bytes())
    return lambda samples: runtime(np.pad(samples, (0, WINDOW - len(samples))))


@pytest.fixture(scope="module")
def long_speech(speech):
    """Some clips one after another; no sample is zero, and it begins loud."""
    samples = np.concatenate([np.trim_zeros(clip) for clip in speech.clips[:8]])[8000:]
    return np.where(samples == 0, np.float32(2**-15), samples)


def test_attributes(classifier):
    assert classifier.labels == ("anger", "happiness", "neutral", "sadness")
    assert (classifier.window, classifier.sample_rate) == (WINDOW, RATE)
    assert classifier.metadata.license == "Apache-2.0"


@pytest.mark.parametrize("length", [400, 30001, WINDOW, WINDOW + 1, 96000, 96001, 200000])
def test_windows(classifier, run, long_speech, length):
    samples = long_speech[:length]
    starts = [0]
    while starts[-1] + WINDOW < length:
        starts.append(starts[-1] + WINDOW // 2)
    parts = [samples[start : start + WINDOW] for start in starts]
    lengths = [len(part) for part in parts]
    expected = np.average([run(part) for part in parts], axis=0, weights=lengths)
    result = classifier.classify(samples, RATE)
    assert np.allclose(result.probabilities, expected, atol=1e-6)
    assert result.windows == len(parts)
    assert result.duration == length / RATE
    assert result.label == classifier.labels[int(expected.argmax())]


@pytest.mark.parametrize("block", [1, 7, 10, 33, 1000])
def test_windows_do_not_depend_on_the_blocks(block):
    samples = np.arange(101, dtype="float32")
    blocks = [samples[i : i + block] for i in range(0, 101, block)]
    found = list(windows(blocks, 10))
    assert [start for start, _ in found] == list(range(0, 96, 5))
    for start, window in found:
        assert np.array_equal(window, samples[start : start + 10])


@settings(max_examples=200, deadline=None)
@given(lengths=st.lists(st.integers(0, 25), max_size=20), hop=st.integers(1, 10))
def test_windows_of_any_blocks(lengths, hop):
    samples = np.arange(sum(lengths), dtype="float32")
    blocks = np.split(samples, np.cumsum(lengths)[:-1]) if lengths else []
    starts = [0]
    while starts[-1] + 10 < len(samples):
        starts.append(starts[-1] + hop)
    found = list(windows(blocks, 10, hop))
    assert [start for start, _ in found] == starts
    for start, window in found:
        assert np.array_equal(window, samples[start : start + 10])


def test_silence(classifier, speech):
    silent = classifier.classify(np.zeros(3 * WINDOW), RATE)
    assert silent.silence and silent.label is None and silent.windows == 0
    assert not silent.probabilities.any()
    assert "silence" in str(silent) and json.loads(json.dumps(silent.as_dict()))["label"] is None
    # Windows of silence are left out of the mean.
    clip = np.resize(speech.clips[0][:20000], WINDOW)
    hiss = np.random.default_rng(0).normal(0, 1e-4, 2 * WINDOW)
    result = classifier.classify(np.concatenate([clip, hiss]), RATE)
    assert not result.silence and result.windows == 2


def test_result(classifier, speech):
    result = classifier.classify(speech.clips[0], RATE)
    assert abs(result.probabilities.sum() - 1) < 1e-5
    content = json.loads(json.dumps(result.as_dict()))
    assert (
        content["label"]
        == result.label
        == max(content["probabilities"], key=content["probabilities"].get)
    )
    rows = [line.split() for line in str(result).splitlines() if "%" in line]
    assert rows[0][1] == result.label and len(rows) == 4
    # The bar of the most probable class is the longest.
    assert str(result).splitlines()[1].count("\u2588") == round(40 * result.probabilities.max())


def test_forms_of_the_same_samples(classifier, speech):
    clip = np.round(speech.clips[1][:50000] * 32767) / 32768
    pcm = np.round(clip * 32768)
    expected = classifier.classify(clip, RATE).probabilities
    for samples in (
        clip.astype("float64"),
        list(clip),
        pcm.astype("int16"),
        (pcm * 65536).astype("int32"),
        np.stack([clip, clip], axis=1),
        np.stack([clip, clip, clip], axis=0),
    ):
        assert np.allclose(classifier.classify(samples, RATE).probabilities, expected, atol=1e-5)
    opposite = classifier.classify(np.stack([clip, -clip], axis=1), RATE)
    assert np.allclose(opposite.probabilities, expected, atol=1e-5)
    assert not classifier.classify(np.full(RATE, 128, "uint8"), RATE).windows


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates(classifier, run, speech, rate):
    samples = librosa.resample(np.trim_zeros(speech.clips[2]), orig_sr=RATE, target_sr=rate)
    back = librosa.resample(samples, orig_sr=rate, target_sr=RATE)[:WINDOW]
    found = classifier.classify(samples, rate).probabilities
    assert np.abs(found - run(back)).max() < 1e-3


@pytest.mark.parametrize(
    ("samples", "rate", "error", "message"),
    [
        (np.full(RATE, np.nan), RATE, ValueError, "finite"),
        (np.full(RATE, np.inf), RATE, ValueError, "finite"),
        (np.zeros(0), RATE, ValueError, "25 ms.*0 samples"),
        (np.ones(399), RATE, ValueError, "25 ms.*399 samples, 24.9 ms"),
        (np.ones(399), 16001, ValueError, "25 ms"),
        (np.ones((2, 2, 2)), RATE, ValueError, "shape"),
        (1.0, RATE, ValueError, "shape"),
        (np.ones(RATE) * 20000, RATE, ValueError, "divide 16-bit integers by 32768"),
        (np.array(["a"] * RATE), RATE, TypeError, "dtype"),
        (np.ones(RATE, bool), RATE, TypeError, "dtype=bool"),
        (np.ones(RATE, complex), RATE, TypeError, "complex"),
        (np.ones(RATE), 0, ValueError, "positive"),
        (np.ones(RATE), -16000, ValueError, "positive"),
        (np.ones(RATE), 16000.0, TypeError, "integer"),
        (np.ones(RATE), None, TypeError, "integer"),
    ],
)
def test_bad_samples(classifier, samples, rate, error, message):
    with pytest.raises(error, match=message):
        classifier.classify(samples, rate)


def test_files(classifier, emodb4, clip, long_speech, tmp_path):
    expected = classifier.classify(load(clip), RATE)
    found = classifier.classify_file(clip)
    assert np.array_equal(found.probabilities, expected.probabilities)
    assert found.duration == expected.duration
    path = tmp_path / "long.flac"
    soundfile.write(path, long_speech, RATE)
    expected = classifier.classify(load(path), RATE)
    found = classifier.classify_file(path)
    assert np.allclose(found.probabilities, expected.probabilities, atol=1e-6)
    assert found.windows == expected.windows > 4


def in_chunks(samples, lengths):
    """Chunks of the given lengths, over and over, until the samples end."""
    start = 0
    for length in itertools.cycle(lengths):
        if start >= len(samples):
            return
        yield samples[start : start + length]
        start += length


def as_rows(results):
    return [(result.start, result.end, *result.probabilities.tolist()) for result in results]


def test_stream_is_windows_sliced_by_hand(classifier, run, long_speech):
    samples = long_speech[:130001]
    found = list(classifier.stream(in_chunks(samples, [1600]), RATE))
    starts = list(range(0, 66001 + 8000, 8000))
    assert [result.start for result in found] == [start / RATE for start in starts]
    assert found[-1].end == 130001 / RATE and found[0].end == 4.0
    for start, result in zip(starts, found, strict=True):
        part = samples[start : start + WINDOW]
        assert np.array_equal(result.probabilities, run(part))
        assert result.duration == len(part) / RATE and result.windows == 1
        assert result.label == classifier.labels[int(result.probabilities.argmax())]
    json.dumps(found[0].as_dict())
    assert found[2].as_dict()["start"] == 1.0


@pytest.mark.parametrize("lengths", [[1, 0, 7001, 333], [10**6], [WINDOW], [8000]])
def test_stream_does_not_depend_on_the_chunks(classifier, long_speech, lengths):
    samples = long_speech[:100000]
    expected = as_rows(classifier.stream([samples]))
    assert len(expected) == 6
    assert as_rows(classifier.stream(in_chunks(samples, lengths), RATE)) == expected


def test_stream_by_half_windows_is_classify(classifier, long_speech):
    samples = long_speech[:200000]
    expected = classifier.classify(samples, RATE)
    found = list(classifier.stream(in_chunks(samples, [4096]), RATE, hop=2.0))
    assert len(found) == expected.windows
    scores, weights = zip(*((r.probabilities, r.duration) for r in found), strict=True)
    mean = np.average(scores, axis=0, weights=weights)
    assert np.allclose(mean, expected.probabilities, atol=1e-6)


def test_stream_is_lazy(classifier, long_speech):
    taken = 0

    def microphone():
        nonlocal taken
        while True:
            yield long_speech[taken : taken + 1000]
            taken += 1000

    results = classifier.stream(microphone(), hop=0.25)
    assert taken == 0
    assert next(results).end == 4.0
    # The chunk that fills the window is the last one that was read.
    assert taken == WINDOW - 1000
    assert next(results).end == 4.25
    assert taken == WINDOW + 4000 - 1000
    results.close()


def test_stream_ends(classifier, run, long_speech):
    for length in (400, 30000, WINDOW):
        (result,) = classifier.stream([long_speech[:length]])
        assert (result.start, result.end) == (0, length / RATE)
        assert np.array_equal(result.probabilities, run(long_speech[:length]))
    # A rest of less than 25 ms says nothing.
    lengths = [WINDOW, WINDOW + 399, WINDOW + 400]
    found = [list(classifier.stream([long_speech[:n]], hop=4.0)) for n in lengths]
    assert list(map(len, found)) == [1, 1, 2]
    for chunks in ([], [np.zeros(0)], [long_speech[:399]]):
        with pytest.raises(ValueError, match="25 ms"):
            list(classifier.stream(chunks))


def test_stream_of_silence(classifier, speech):
    samples = np.concatenate([np.zeros(WINDOW), np.resize(speech.clips[0][:20000], WINDOW)])
    found = list(classifier.stream(in_chunks(samples, [1000]), hop=2.0))
    assert [result.silence for result in found] == [True, False, False]
    assert found[0].label is None and not found[0].probabilities.any() and not found[0].windows


@pytest.mark.parametrize("rate", [8000, 44100])
def test_stream_at_other_rates(classifier, run, long_speech, rate):
    samples = soxr.resample(long_speech[:90000], RATE, rate)
    back = soxr.resample(samples, rate, RATE)
    found = list(classifier.stream(in_chunks(samples, [1, 441, 0, 4410]), rate))
    assert [result.start for result in found] == [0, 0.5, 1.0, 1.5, 2.0]
    # A stream is never shorter than its samples: one more than soxr gives for the whole.
    assert 0 <= found[-1].end * RATE - len(back) <= 1
    for result in found:
        part = back[int(result.start * RATE) : round(result.end * RATE)]
        assert np.abs(result.probabilities - run(part)).max() < 5e-3


def test_stream_of_16_bit_chunks(classifier, speech):
    pcm = np.round(speech.clips[1] * 32767).astype("int16")
    (expected,) = classifier.stream([pcm.astype("float32") / 32768])
    (found,) = classifier.stream(in_chunks(pcm, [1024]))
    assert np.array_equal(found.probabilities, expected.probabilities)


@pytest.mark.parametrize(
    ("chunk", "error", "message"),
    [
        (np.full(100, np.nan), ValueError, "finite.*at chunk 1"),
        (np.ones((100, 2)), ValueError, r"\(samples,\).*shape=\(100, 2\) at chunk 1"),
        (0.5, ValueError, r"one array as \[samples\]"),
        (np.ones(100) * 20000, ValueError, "divide 16-bit.*at chunk 1"),
        (np.ones(100, "int64"), TypeError, "dtype=int64, at chunk 1"),
        (b"\0\0", TypeError, "numpy.frombuffer"),
    ],
)
@pytest.mark.parametrize("rate", [RATE, 48000])
def test_bad_chunks(classifier, chunk, error, message, rate):
    with pytest.raises(error, match=message):
        list(classifier.stream([np.ones(1000) / 2, chunk], rate))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((5,), {}, TypeError, "iterable"),
        (([], 0), {}, ValueError, "positive"),
        (([], 16000.0), {}, TypeError, "integer"),
        (([],), {"hop": 0}, ValueError, "hop=0"),
        (([],), {"hop": 4.1}, ValueError, "window of 4 seconds"),
        (([],), {"hop": float("nan")}, ValueError, "hop=nan"),
        (([],), {"hop": "1"}, TypeError, "hop='1'"),
        (([],), {"hop": True}, TypeError, "hop=True"),
    ],
)
def test_bad_streams(classifier, arguments, options, error, message):
    # At once, before the first result is asked for.
    with pytest.raises(error, match=message):
        classifier.stream(*arguments, **options)


def test_memory_does_not_grow_with_the_stream(classifier):
    silence = np.zeros(4410)
    tracemalloc.start()
    results = classifier.stream(itertools.repeat(silence, 6000), 44100)
    last = max(result.end for result in results)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last == 600
    assert peak < 3e6


def test_threads_share_a_classifier(classifier, speech):
    clips = [*speech.clips[:8], *speech.clips[:8, :20000]]
    expected = [classifier.classify(clip, RATE).probabilities for clip in clips]

    def work(turn):
        order = np.random.default_rng(turn).permutation(len(clips))
        for i in order:
            assert np.array_equal(classifier.classify(clips[i], RATE).probabilities, expected[i])
            (streamed,) = classifier.stream([clips[i]])
            assert np.array_equal(streamed.probabilities, expected[i])
        return len(order)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [len(clips)] * 4


def test_many_channels_at_another_rate(classifier, long_speech, tmp_path):
    samples = librosa.resample(long_speech, orig_sr=RATE, target_sr=44100)
    path = tmp_path / "eight.wav"
    soundfile.write(path, np.repeat(samples[:, None], 8, axis=1), 44100)
    found = classifier.classify_file(path).probabilities
    expected = classifier.classify(librosa.resample(samples, orig_sr=44100, target_sr=RATE), RATE)
    assert np.abs(found - expected.probabilities).max() < 5e-3


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(classifier, tmp_path):
    path = tmp_path / "long.wav"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 8000, 8, "PCM_16") as file:
        for minute in range(10):
            block = rng.normal(0, 0.1, (8000 * 60, 8)) if minute == 7 else np.zeros((8000 * 60, 8))
            file.write(block)
    assert path.stat().st_size > 70e6
    tracemalloc.start()
    result = classifier.classify_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.duration == 600 and 29 <= result.windows <= 34
    assert peak < 25e6


def test_bad_files(classifier, tmp_path):
    (tmp_path / "text.wav").write_text("not audio at all")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "short.wav", np.ones(300) / 2, RATE)
    nan = np.ones(RATE, "float32")
    nan[9] = np.nan
    soundfile.write(tmp_path / "nan.wav", nan, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "cut.flac", np.sin(np.arange(90000)) / 2, RATE)
    cut = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(cut[: len(cut) // 2])
    for name in ("text.wav", "empty.wav", "short.wav", "nan.wav", "cut.flac"):
        with pytest.raises(ValueError, match=name):
            classifier.classify_file(tmp_path / name)
    with pytest.raises(ValueError, match="directory"):
        classifier.classify_file(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.wav"):
        classifier.classify_file(tmp_path / "none.wav")


def test_bad_models(int8_file, tmp_path):
    content = int8_file.read_bytes()
    bad = {
        "empty": b"",
        "text": b"this is a text, not a model",
        "truncated": content[: len(content) // 2],
        "no zip": content[: content.index(b"PK\x03\x04")],
        "garbage": content[:8] + bytes(reversed(content[8:])),
        "no labels": add_metadata(content, TFLiteMetadata(sample_rate=RATE)),
        "no rate": add_metadata(content, TFLiteMetadata(labels=("a", "b", "c", "d"))),
        "three labels": add_metadata(
            content, TFLiteMetadata(labels=("a", "b", "c"), sample_rate=RATE)
        ),
        "stereo": add_metadata(
            content, TFLiteMetadata(labels=("a", "b", "c", "d"), sample_rate=RATE, channels=2)
        ),
    }
    for name, broken in bad.items():
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(broken)
        with pytest.raises(ValueError):
            Classifier(path)
    with pytest.raises(ValueError, match="no labels inside.*labels="):
        load_classifier(tmp_path / "no labels.tflite")
    with pytest.raises(ValueError, match="3 labels and gives 4 scores"):
        load_classifier(tmp_path / "three labels.tflite")
    with pytest.raises(ValueError, match="directory"):
        load_classifier(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.tflite"):
        load_classifier(tmp_path / "none.tflite")


HOSTILE = """
import sys
import numpy as np
from keras_reparam.deploy.runtime.classifier import Classifier
from keras_reparam.deploy.inspection.trial import Trial
content = open(sys.argv[1], "rb").read()
rng = np.random.default_rng(0)
refused = 0
# LiteRT itself may crash on such a file: as `load_classifier` says, it is tried elsewhere first.
trials = Trial()
for trial in range(40):
    broken = bytearray(content)
    for _ in range(1 + trial % 5):
        # Half of the changes fall where the graph is described.
        low = 8 if trial % 2 else len(content) - 90000
        broken[rng.integers(low, len(content))] = rng.integers(256)
    open(sys.argv[2], "wb").write(broken)
    if not trials.run(sys.argv[2]).runs:
        refused += 1
        continue
    try:
        Classifier(sys.argv[2]).classify(np.ones(16000), 16000)
    except ValueError:
        refused += 1
trials.close()
print(refused)
"""


def test_hostile_models_end_in_a_value_error(run_python, int8_file, tmp_path):
    child = run_python("-c", HOSTILE, int8_file, tmp_path / "hostile.tflite")
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) > 10


LIGHT = """
import sys
import keras_reparam as kr
found = kr.load_classifier(sys.argv[1]).classify_file(sys.argv[2])
print(found.label)
print(sorted(m for m in ("keras", "tensorflow", "jax", "librosa") if m in sys.modules))
"""


def test_needs_neither_keras_nor_tensorflow(run_python, classifier, int8_file, clip):
    child = run_python("-c", LIGHT, int8_file, clip)
    label = classifier.classify_file(clip).label
    assert (child.stdout, child.stderr) == (f"{label}\n[]\n", "")


def test_the_shipped_model(clip):
    try:
        classifier = load_classifier()
    except FileNotFoundError as error:
        assert "recipes.quickstart --install" in str(error)
        pytest.skip("the shipped model is not made yet")
    assert len(classifier.labels) == 4
    assert classifier.classify_file(clip).label in classifier.labels


@pytest.mark.nightly
def test_three_hours_of_eight_channels(classifier, speech, tmp_path):
    path = tmp_path / "hours.flac"
    minute = np.repeat(np.resize(speech.clips, 60 * 16000)[:, None], 8, axis=1)
    with soundfile.SoundFile(path, "w", 16000, 8, "PCM_16") as file:
        for _ in range(180):
            file.write(minute)
    tracemalloc.start()
    result = classifier.classify_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.duration == 3 * 3600 and result.windows >= 5399
    assert peak < 25e6
