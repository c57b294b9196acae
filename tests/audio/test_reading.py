"""Audio files: real formats through libsndfile, resampling against librosa, and bad files."""

import tracemalloc

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_reparam.audio import load, read_blocks

RATE = 16000


@pytest.fixture(scope="module")
def tone():
    t = np.arange(RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(RATE)
    return (0.3 * np.sin(2 * np.pi * 440 * t) + 0.01 * noise).astype("float32")


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        ("wav", {"subtype": "PCM_16"}, 1e-4),
        ("wav", {"subtype": "PCM_24"}, 1e-6),
        ("wav", {"subtype": "PCM_U8"}, 1e-2),
        ("wav", {"subtype": "FLOAT"}, 0),
        ("wav", {"subtype": "DOUBLE"}, 0),
        ("flac", {}, 1e-4),
        ("aiff", {}, 1e-4),
        ("au", {}, 1e-4),
        ("w64", {}, 1e-4),
        ("caf", {}, 1e-4),
        ("ogg", {}, 0.1),
        ("ogg", {"subtype": "OPUS"}, 0.1),
        ("mp3", {}, 0.1),
    ],
)
def test_formats(tmp_path, tone, suffix, options, tolerance):
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, tone, RATE, **options)
    samples = load(path)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) - len(tone)) <= (2400 if suffix == "mp3" else 0)
    if suffix != "mp3":
        np.testing.assert_allclose(samples, tone, atol=tolerance)


def test_channels_are_averaged(tmp_path, tone):
    path = tmp_path / "clip.wav"
    channels = np.stack([tone, 0.5 * tone, np.zeros_like(tone)], axis=1)
    soundfile.write(path, channels, RATE, subtype="FLOAT")
    np.testing.assert_allclose(load(path), tone / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_resampled_as_librosa_does(tmp_path, tone, rate):
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone, rate, subtype="FLOAT")
    expected = librosa.resample(tone, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
    samples = load(path)
    assert samples.shape == expected.shape
    np.testing.assert_allclose(samples, expected, atol=1e-5)


def test_another_target_rate(tmp_path, tone):
    path = tmp_path / "clip.flac"
    soundfile.write(path, tone, RATE)
    assert len(load(str(path), sample_rate=8000)) == 8000


def test_beyond_full_scale_is_clipped(tmp_path, tone):
    path = tmp_path / "clip.wav"
    soundfile.write(path, 10 * tone, RATE, subtype="FLOAT")
    samples = load(path)
    np.testing.assert_array_equal(samples, np.clip(10 * tone, -1, 1))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    length=st.integers(1, 30000),
    rate=st.sampled_from([8000, 16000, 44100]),
    block_length=st.integers(1000, 40000),
)
def test_blocks_together_are_the_whole(tmp_path, length, rate, block_length):
    path = tmp_path / "clip.wav"
    waveform = np.random.default_rng(length).uniform(-0.5, 0.5, length).astype("float32")
    soundfile.write(path, waveform, rate, subtype="FLOAT")
    blocks = list(read_blocks(path, block_length=block_length))
    assert all(len(block) == block_length for block in blocks[:-1])
    assert 0 < len(blocks[-1]) <= block_length
    assert sum(map(len, blocks)) == -(-length * RATE // rate)
    np.testing.assert_array_equal(np.concatenate(blocks), load(path))


@pytest.mark.slow
def test_blocks_need_bounded_memory(tmp_path):
    path = tmp_path / "long.wav"
    channels, minutes = 8, 4
    noise = np.random.default_rng(0).integers(-3000, 3000, (48000, channels)).astype("int16")
    with soundfile.SoundFile(path, "w", 48000, channels, "PCM_16") as file:
        for _ in range(60 * minutes):
            file.write(noise)
    size = 0
    tracemalloc.start()
    try:
        for block in read_blocks(path, block_length=64000):
            size += len(block)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 60 * minutes * RATE
    assert peak < 8e6  # the file is 184 MB


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au", "w64", "caf", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_truncated(tmp_path, tone, suffix, share, capfd):
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, np.tile(tone, 3), RATE)
    cut(path, share)
    with pytest.raises(ValueError, match=r"Expected an? .*audio file") as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_cut_anywhere(tmp_path, tone, subtype):
    path = tmp_path / "clip.ogg"
    soundfile.write(path, np.tile(tone, 3), RATE, subtype=subtype)
    whole = path.read_bytes()
    pages = [i for i in range(len(whole)) if whole.startswith(b"OggS", i)]
    for end in [*(page + 10 for page in pages[2:]), pages[2], len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"truncated|malformed"):
            load(path)
    # Between two pages a file looks as if its writer marks no last one, as Android's does.
    path.write_bytes(whole[: pages[-1]])
    assert 0 < len(load(path)) < 3 * len(tone)


def test_a_tag_after_the_last_ogg_page_is_harmless(tmp_path, tone):
    path = tmp_path / "clip.ogg"
    soundfile.write(path, tone, RATE)
    with open(path, "ab") as file:
        file.write(b"TAG" + bytes(125))
    assert len(load(path)) == len(tone)


def test_an_unknown_length_is_no_truncation(tmp_path, tone):
    # As ffmpeg and sox write it into a pipe.
    path = tmp_path / "pipe.wav"
    soundfile.write(path, tone, RATE)
    data = bytearray(path.read_bytes())
    where = data.index(b"data")
    for start in (4, where + 4):
        data[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(load(path)) == len(tone)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no audio file"):
        load(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", "empty"),
        ("text.wav", b"These are words, not samples.\n" * 50, "libsndfile"),
        ("random.mp3", bytes(range(256)) * 20, "audio file"),
        ("header.wav", b"RIFF\x00\x00\x00\x00WAVE", "audio file"),
        ("clip.raw", bytes(1000), "libsndfile"),
    ],
)
def test_no_audio(tmp_path, name, content, message, capfd):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_a_directory(tmp_path):
    with pytest.raises(ValueError, match="directory"):
        load(tmp_path)


def test_a_file_without_samples(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.zeros(0), RATE)
    with pytest.raises(ValueError, match="none"):
        load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_no_numbers(tmp_path, tone, value, channels):
    path = tmp_path / "clip.wav"
    waveform = np.stack([tone] * channels, axis=1)
    waveform[700, 0] = value
    soundfile.write(path, waveform, RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match="NaN or infinity"):
        load(path)


def test_bad_arguments(tmp_path, tone):
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone, RATE)
    with pytest.raises(ValueError, match="sample_rate"):
        load(path, sample_rate=0)
    with pytest.raises(ValueError, match="block_length"):
        read_blocks(path, block_length=1.5)
    with pytest.raises(TypeError):
        load(None)
    with pytest.raises(TypeError):
        load(path, 16000)


def test_reading_imports_no_keras(tmp_path, tone, run_python):
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone, 8000)
    code = (
        "import sys; from keras_reparam.audio import load; print(len(load(sys.argv[1])));"
        "print({'keras', 'tensorflow', 'jax', 'librosa'} & set(sys.modules))"
    )
    result = run_python("-c", code, path)
    assert result.stdout.split() == ["32000", "set()"], result.stderr
