"""Files as programs, phones and accidents leave them: the truth is the array that was written."""

import io
import itertools
import struct

import av
import numpy as np
import pytest
import soundfile

from keras_reparam.audio import load, read_blocks
from keras_reparam.audio.decoding.checksum import checksum
from tests.marks import slow_but

RATE = 16000
SECONDS = 6


@pytest.fixture(scope="module")
def speech():
    """Six seconds whose loudness and pitch change, so that bit rates do; the end is loud."""
    t = np.arange(SECONDS * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 220 * t * (1 + 0.1 * np.sin(t)))
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(t))
    return (tone * np.sin(4 * t) ** 2 + noise * (t > 3)).astype("float32")


def encoded(samples, codec, container, rate=RATE, *, options=None, **muxer):
    """A file by FFmpeg's encoders; `samples` are (samples,) or (samples, 2)."""
    target = io.BytesIO()
    channels = samples[None] if samples.ndim == 1 else samples.T
    layout = "mono" if len(channels) == 1 else "stereo"
    muxer = {name: str(value) for name, value in muxer.items()}
    with av.open(target, "w", format=container, options=muxer) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout, options=options or {})
        for start in range(0, channels.shape[1], 1024):
            block = np.ascontiguousarray(channels[:, start : start + 1024], "float32")
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.rate, frame.pts = rate, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()


def written(samples, rate=RATE, **options):
    target = io.BytesIO()
    soundfile.write(target, samples, rate, **options)
    return target.getvalue()


def vbr_mp3(samples, rate=RATE, *, xing=False):
    options = {"flags": "+qscale", "global_quality": str(118 * 5)}
    return encoded(
        samples, "libmp3lame", "mp3", rate, options=options, write_xing=int(xing), id3v2_version=0
    )


def similar(found, samples, *, match=0.9):
    """Whether samples are all there, but for a codec's noise and a delay."""
    if abs(len(found) - len(samples)) > 0.15 * RATE:
        return False
    size = 2 * max(len(found), len(samples))
    spectra = [np.fft.rfft(x, size) for x in (found, samples)]
    product = np.fft.irfft(spectra[0] * spectra[1].conj(), size).max()
    return product > match * np.linalg.norm(found) * np.linalg.norm(samples)


@pytest.fixture
def read(tmp_path):
    """Loads a file of the given bytes."""

    def read(data, name="clip", **options):
        path = tmp_path / name
        path.write_bytes(data)
        return load(path, **options)

    return read


# MP3


ID3 = b"ID3\x03\x00\x00\x00\x00\x1f\x76" + b"APIC\x00\x00\x0f\x6c\0\0" + b"\xff\xfb\x90\x64" * 1019
TAG = b"TAG" + bytes(125)


def mp3_case(name, speech):
    """Bytes, and the samples in them."""
    xing, plain, cbr = vbr_mp3(speech, xing=True), vbr_mp3(speech), written(speech, format="MP3")
    fast = encoded(speech, "libmp3lame", "mp3", 44100, write_xing=0)
    stereo = vbr_mp3(np.stack([speech, speech / 2], axis=1))
    at = xing.index(b"Xing") + 8
    low = encoded(speech, "libmp3lame", "mp3", options={"b": "8000"}, write_xing=0)
    slow = np.interp(np.arange(0, len(speech), 44100 / RATE), np.arange(len(speech)), speech)
    return {
        "vbr": (plain, [speech]),
        "8 kbit/s": (low, [speech]),
        "layer II": (encoded(speech, "mp2", "mp2"), [speech]),
        "tags": (ID3 + plain + b"APETAGEX" + bytes(24) + TAG, [speech]),
        "zeros around": (ID3 + bytes(5000) + plain + bytes(5000), [speech]),
        "zero frames": (xing[:at] + bytes(4) + xing[at + 4 :], [speech]),
        "half the frames": (xing[:at] + b"\0\0\0\x50" + xing[at + 4 :], [speech]),
        "joined": (ID3 + xing + TAG + ID3 + cbr + plain, [speech, speech, speech]),
        "joined rates": (xing + fast, [speech, slow]),
        "joined channels": (plain + stereo + xing, [speech, 0.75 * speech, speech]),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        *("vbr", "8 kbit/s", "layer II", "tags", "zeros around", "zero frames", "half the frames"),
        *("joined", "joined rates", "joined channels"),
    ],
)
def test_mp3_is_read_to_its_end(read, speech, name, capfd):
    data, parts = mp3_case(name, speech)
    found = read(data, "clip.mp3")
    assert abs(len(found) - sum(map(len, parts))) / RATE < 0.15
    for part, start in zip(parts, itertools.accumulate(map(len, parts), initial=0), strict=False):
        assert similar(found[start : start + len(part)], part)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("xing", [True, False])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_an_mp3_that_is_cut(read, speech, xing, share):
    data = vbr_mp3(speech, xing=xing)
    with pytest.raises(ValueError, match="truncated"):
        read(data[: int(share * len(data))], "clip.mp3")


def test_libmpg123_prints_nothing_and_others_do(tmp_path, speech, run_python):
    data = bytearray(vbr_mp3(speech, xing=True))
    for at in np.random.default_rng(0).integers(300, len(data), 60):
        data[at] ^= 255
    path = tmp_path / "damaged.mp3"
    path.write_bytes(data)
    code = """
import contextlib, os, sys, threading
from keras_reparam.audio import load
stop = threading.Event()
def others():
    count = 0
    while not stop.is_set():
        os.write(2, b"%d\\n" % count)
        count += 1
        stop.wait(0.001)
def read():
    # Damage may be an error, in one line of ours.
    with contextlib.suppress(ValueError):
        load(sys.argv[1])
threads = [threading.Thread(target=read) for _ in range(4)]
speaker = threading.Thread(target=others)
for thread in [speaker, *threads]:
    thread.start()
for thread in threads:
    thread.join()
stop.set()
speaker.join()
"""
    result = run_python("-c", code, path)
    lines = result.stderr.splitlines()
    assert sorted(map(int, lines)) == list(range(len(lines)))
    assert len(lines) > 3


# Ogg


def pages(data):
    """The pages of an Ogg file."""
    starts = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    return [bytearray(data[a:b]) for a, b in itertools.pairwise([*starts, len(data)])]


def joined(pages):
    for page in pages:
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", checksum(page, 0x04C11DB7, 32))
    return b"".join(pages)


def unmarked(pages):
    pages[-1][5] &= ~4
    return pages


def empty_page(pages, position):
    last = bytearray(pages[-1][:27])
    last[5] |= 4
    last[6:14] = struct.pack("<q", position)
    last[18:22] = struct.pack("<I", struct.unpack("<I", last[18:22])[0] + 1)
    last[26] = 0
    return [*unmarked(pages), last]


def moved(pages, seconds, rate):
    (position,) = struct.unpack("<q", pages[-1][6:14])
    pages[-1][6:14] = struct.pack("<q", position + round(seconds * rate))
    return pages


OGG = {
    "whole": lambda pages, rate: pages,
    "unmarked": lambda pages, rate: unmarked(pages),
    "empty last page": lambda pages, rate: empty_page(
        pages, struct.unpack("<q", pages[-1][6:14])[0]
    ),
    "empty last page at 0": lambda pages, rate: empty_page(pages, 0),
    "empty last page without a position": lambda pages, rate: empty_page(pages, -1),
    "40 ms too high": lambda pages, rate: moved(pages, 0.04, rate),
    "unmarked, 2 s too high": lambda pages, rate: unmarked(moved(pages, 2, rate)),
    "no position": lambda pages, rate: moved(pages, -1 / rate, 0) and unmarked(pages),
    "junk between and behind": lambda pages, rate: [*pages[:3], *pages[3:], bytearray(TAG)],
}


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("seconds", [1.3, 6])
@pytest.mark.parametrize("name", OGG)
def test_ogg_of_other_writers(read, speech, subtype, seconds, name):
    samples = speech[-int(seconds * RATE) :]
    clock = 48000 if subtype == "OPUS" else RATE
    data = joined(OGG[name](pages(written(samples, format="OGG", subtype=subtype)), clock))
    found = read(data)
    # Without the last position, silence that fills the last packet cannot be told from sound.
    assert 0 <= len(found) - len(samples) <= 0.05 * RATE
    assert similar(found, samples)


def test_chained_ogg(read, speech):
    streams = [
        written(speech, format="OGG", subtype="OPUS"),
        joined(unmarked(pages(written(speech[:RATE], format="OGG")))),
        written(np.stack([speech, speech], axis=1), 48000, format="OGG"),
    ]
    found = read(b"".join(streams))
    assert len(found) == len(speech) + RATE + len(speech) // 3
    assert similar(found[: len(speech)], speech)
    assert similar(found[len(speech) : len(speech) + RATE], speech[:RATE])
    # The same stream twice has one serial number.
    assert len(read(streams[0] * 2)) == 2 * len(speech)


def test_ogg_with_another_stream(read, speech):
    sound, other = (pages(written(speech, format="OGG")) for _ in range(2))
    for page in other:
        page[14:18] = b"same"
    other[0] = other[0][:28] + b"\x80theora" + other[0][35:]
    mixed = [other[0], *(page for pair in zip(sound, other[1:], strict=False) for page in pair)]
    assert len(read(joined([*mixed, sound[-1]]))) == len(speech)


@pytest.mark.parametrize("share", [0.35, 0.8])
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_unmarked_ogg_that_is_cut(read, speech, subtype, share):
    data = joined(unmarked(pages(written(speech, format="OGG", subtype=subtype))))
    with pytest.raises(ValueError, match="truncated"):
        read(data[: int(share * len(data))])


# FLAC


def flac_of_unknown_length(data):
    fields = int.from_bytes(data[18:26], "big") >> 36 << 36
    return data[:18] + fields.to_bytes(8, "big") + bytes(16) + data[42:]


@pytest.mark.parametrize("seconds", [0.01, SECONDS])
@pytest.mark.parametrize("after", [b"", TAG])
def test_flac_of_unknown_length(read, speech, seconds, after):
    samples = speech[: round(seconds * RATE)]
    data = flac_of_unknown_length(written(samples, format="FLAC")) + after
    np.testing.assert_allclose(read(data), samples, atol=1e-4)
    np.testing.assert_allclose(read(ID3 + data), samples, atol=1e-4)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_flac_of_unknown_length_that_is_cut(read, speech, share):
    data = flac_of_unknown_length(written(speech, format="FLAC"))
    with pytest.raises(ValueError, match="truncated|damaged"):
        read(data[: int(share * len(data))])


def test_ogg_flac_of_unknown_length(read, speech):
    data = encoded(speech, "flac", "ogg")
    assert not int.from_bytes(data[28 + 17 + 10 : 28 + 17 + 18], "big") & 2**36 - 1
    np.testing.assert_allclose(read(data), speech, atol=1e-4)


# WAV


def chunk(name, body, size=None, number="<I"):
    return name + struct.pack(number, len(body) if size is None else size) + body


def wav(*chunks, form=b"RIFF", size=None, number="<I"):
    body = b"WAVE" + b"".join(chunks)
    return form + struct.pack(number, len(body) if size is None else size) + body


FORMAT = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
LIST = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"abc\0")


def wav_case(name, samples):
    pcm = np.round(samples * 32767).astype("<i2")
    data, form = pcm.tobytes(), chunk(b"fmt ", FORMAT)
    whole = chunk(b"data", data)
    large = struct.pack("<QQQI", len(data) + 100, len(data), len(samples), 0)
    wrong = struct.pack("<HHIIHH", 1, 1, RATE, 9 * RATE, 2, 16)
    return {
        "RIFF size 0": wav(form, whole, size=0),
        "RIFF size too small": wav(form, whole, size=1000),
        "RIFF size too large": wav(form, whole, size=10**7),
        "wrong bytes per second": wav(chunk(b"fmt ", wrong), whole),
        "data size 0": wav(form, chunk(b"data", data, 0), size=0),
        "data size unknown": wav(form, chunk(b"data", data, 2**32 - 1), size=2**32 - 1),
        "data size 2 GiB": wav(form, chunk(b"data", data, 2**31 - 1), size=2**31 + 35),
        "LIST before and after": wav(form, LIST, whole, LIST),
        "odd chunk": wav(chunk(b"junk", b"abc") + b"\0", form, whole),
        "odd chunk without padding": wav(chunk(b"junk", b"abc"), form, whole),
        "RF64": wav(
            chunk(b"ds64", large),
            form,
            chunk(b"data", data, 2**32 - 1),
            form=b"RF64",
            size=2**32 - 1,
        ),
        "RF64 never finished": wav(
            chunk(b"ds64", bytes(28)), form, chunk(b"data", data, 2**32 - 1), form=b"RF64", size=0
        ),
        "joined": wav(form, chunk(b"data", data[: RATE * 2]))
        + wav(form, chunk(b"data", data[RATE * 2 :])),
        "ID3 before": ID3 + wav(form, whole),
        "RIFX": wav(
            chunk(b"fmt ", struct.pack(">HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16), number=">I"),
            chunk(b"data", pcm.byteswap().tobytes(), number=">I"),
            form=b"RIFX",
            size=7,
            number=">I",
        ),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        *("RIFF size 0", "RIFF size too small", "RIFF size too large", "wrong bytes per second"),
        *("data size 0", "data size unknown", "data size 2 GiB", "LIST before and after"),
        *("odd chunk", "odd chunk without padding", "RF64", "RF64 never finished"),
        *("joined", "ID3 before", "RIFX"),
    ],
)
def test_wav_of_other_writers(read, speech, name):
    np.testing.assert_allclose(read(wav_case(name, speech)), speech, atol=1e-4)


def test_wav_without_samples(read):
    empty = wav(chunk(b"fmt ", FORMAT), chunk(b"data", b""), LIST)
    with pytest.raises(ValueError, match="one with none"):
        read(empty)


@pytest.mark.parametrize("size", [None, 0])
def test_wav_cut_in_its_middle(read, speech, size):
    data = np.round(speech * 32767).astype("<i2").tobytes()
    whole = wav(chunk(b"fmt ", FORMAT), chunk(b"data", data), size=size)
    with pytest.raises(ValueError, match=r"truncated.*ends after 3\.00"):
        read(whole[: len(whole) // 2 + 22])


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "PCM_24"])
def test_wav_codecs(read, speech, subtype):
    found = read(written(speech, format="WAV", subtype=subtype))
    assert 0 <= len(found) - len(speech) < 2048
    assert similar(found, speech)


def test_a_recording_of_more_than_4_gib_is_described(tmp_path, speech):
    # The samples are a hole in the file, which takes no room on the disk.
    size = 2**32 + 2**20
    large = struct.pack("<QQQI", size + 100, size, size // 2, 0)
    head = wav(
        chunk(b"ds64", large), chunk(b"fmt ", FORMAT), chunk(b"data", b"", 2**32 - 1), form=b"RF64"
    )
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(head)
        file.write(np.round(speech * 32767).astype("<i2").tobytes())
        file.truncate(len(head) + size)
    first = next(read_blocks(path, block_length=RATE))
    np.testing.assert_allclose(first, speech[:RATE], atol=1e-4)


def test_a_caf_recording_that_was_never_finished(read, speech):
    data = written(speech, format="CAF")
    at = data.index(b"data") + 4
    found = read(data[:at] + b"\xff" * 8 + data[at + 8 :])
    np.testing.assert_allclose(found, speech, atol=1e-4)


# Levels and channels


@pytest.mark.parametrize("suffix", ["wav", "caf"])
def test_integers_taken_for_floats(read, speech, suffix):
    loud = (32767 * speech).astype("float32")
    with pytest.raises(ValueError, match=r"divide 16-bit integers by 32768.*value of \d{4}"):
        read(written(loud, format=suffix.upper(), subtype="FLOAT"), f"clip.{suffix}")


def test_opposite_phase_is_no_silence(read, speech):
    noise = 0.001 * np.random.default_rng(1).standard_normal((2, len(speech)))
    for factor in (-1, -0.9):
        stereo = np.stack([speech, factor * speech], axis=1) + noise.T + 0.1
        found = read(written(stereo, format="WAV", subtype="FLOAT"))
        np.testing.assert_allclose(found, stereo[:, 0], atol=1e-6)
    for stereo in ([speech, 0.3 * speech], [speech, 0 * speech], [speech, -0.5 * speech]):
        found = read(written(np.stack(stereo, axis=1), format="WAV", subtype="FLOAT"))
        np.testing.assert_allclose(found, np.mean(stereo, axis=0), atol=1e-6)


def test_opposite_phase_in_blocks(tmp_path, speech):
    # The first two seconds cancel, the rest does not.
    sign = np.where(np.arange(len(speech)) < 2 * RATE, -1, 0.5)
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.stack([speech, sign * speech], axis=1), RATE, subtype="FLOAT")
    blocks = np.concatenate(list(read_blocks(path, block_length=777)))
    np.testing.assert_array_equal(blocks, load(path))
    np.testing.assert_allclose(blocks[: 2**14], speech[: 2**14], atol=1e-6)
    np.testing.assert_allclose(blocks[3 * 2**14 :], 0.75 * speech[3 * 2**14 :], atol=1e-6)


# What phones record


def hand_made_amr(frames):
    """AMR of 12.2 kbit/s, 31 bytes a frame of 20 ms."""
    return b"#!AMR\n" + frames * (b"\x3c" + bytes(31))


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("ipod", "aac", 44100),
        ("adts", "aac", 16000),
        ("webm", "libopus", 48000),
        ("3gp", "libopencore_amrnb", 8000),
        ("amr", "libopencore_amrnb", 8000),
        ("asf", "wmav2", 44100),
        ("mpegts", "aac", 48000),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_phones_record(tmp_path, speech, container, codec, rate, channels):
    if "amr" in codec and channels == 2:
        pytest.skip("AMR has one channel")
    samples = speech if channels == 1 else np.stack([speech, -speech], axis=1)
    options = {"b": "12200"} if "amr" in codec else {"b": "128000"}
    path = tmp_path / "clip"
    path.write_bytes(encoded(samples, codec, container, rate, options=options))
    found = load(path, sample_rate=rate)
    # AMR is for voices alone.
    assert similar(found, speech, match=0.6 if "amr" in codec else 0.9)
    blocks = list(read_blocks(path, sample_rate=rate, block_length=5000))
    np.testing.assert_array_equal(np.concatenate(blocks), found)


def test_hand_made_amr(read):
    assert len(read(hand_made_amr(100), sample_rate=8000)) == 16000
    with pytest.raises(ValueError, match="whole and undamaged"):
        read(hand_made_amr(100)[:-9])


@pytest.mark.parametrize(
    ("container", "codec", "muxer"),
    [
        ("ipod", "aac", {}),
        ("ipod", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        ("webm", "libopus", {}),
        ("webm", "libopus", {"live": 1}),
        ("adts", "aac", {}),
    ],
)
def test_what_phones_record_cut(read, speech, container, codec, muxer):
    data = encoded(speech, codec, container, 48000, **muxer)
    assert similar(read(data, sample_rate=48000), speech)
    with pytest.raises(ValueError, match="truncated|whole and undamaged"):
        read(data[: len(data) // 2])


WITHOUT_PYAV = """
import sys
sys.modules["av"] = None
from keras_reparam.audio import load
for path in sys.argv[1:]:
    try:
        load(path)
    except ValueError as error:
        print(error)
"""


def test_without_pyav_the_format_is_named(tmp_path, speech, run_python):
    files = {
        "M4A": encoded(speech, "aac", "ipod"),
        "AMR": hand_made_amr(9),
        "WebM": encoded(speech, "libopus", "webm", 48000),
        "AAC": encoded(speech, "aac", "adts"),
        "CAF": encoded(speech, "alac", "caf").replace(b"alac", b"aac ", 1),
        "3GP": encoded(speech, "libopencore_amrnb", "3gp", 8000, options={"b": "12200"}),
        "WMA": encoded(speech, "wmav2", "asf", 44100, options={"b": "64000"}),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    result = run_python("-c", WITHOUT_PYAV, *(tmp_path / name for name in files))
    lines = result.stdout.splitlines()
    assert len(lines) == len(files), result.stderr
    for name, line in zip(files, lines, strict=True):
        assert f"({name}" in line
        assert "pip install 'keras-reparam[formats]'" in line


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page"),
        (b"PK\x03\x04" + bytes(60), "unpack"),
        (b'{"error": "not found"}', "JSON"),
        (bytes(5000), "nothing but zeros"),
        (b"\x02#!SILK_V3" + bytes(50), "SILK"),
    ],
)
def test_what_is_no_audio_is_named(read, data, message):
    with pytest.raises(ValueError, match=message) as error:
        read(data, "clip.wav")
    assert "clip.wav" in str(error.value)
    assert "\n" not in str(error.value)


# Names and pipes


def test_a_name_that_is_no_utf8(tmp_path, speech):
    path = bytes(tmp_path) + b"/Aufnahme_gr\xfcn.wav"
    with open(path, "wb") as file:
        soundfile.write(file, speech, RATE, format="WAV", subtype="FLOAT")
    np.testing.assert_array_equal(load(path), speech)
    with open(path, "wb") as file:
        file.write(b"no audio")
    with pytest.raises(ValueError, match=r"gr\\udcfcn\.wav"):
        load(path)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_pipe(tmp_path, speech, name, run_python):
    path = tmp_path / "clip.flac"
    soundfile.write(path, speech, RATE)
    code = "import sys; from keras_reparam.audio import load; print(len(load(sys.argv[1])))"
    shell = (
        "import subprocess, sys; subprocess.run(sys.argv[2:], input=open(sys.argv[1], 'rb').read())"
    )
    result = run_python("-c", shell, path, "/usr/bin/env", "python", "-c", code, name)
    assert result.stdout.strip() == str(len(speech)), result.stderr
    result = run_python("-c", code, name)
    assert "Expected an audio file" in result.stderr


# Memory


@pytest.mark.parametrize("kind", slow_but(["mp3", "ogg", "m4a"], "ogg"))
def test_memory_does_not_grow(tmp_path, speech, kind):
    import tracemalloc

    path = tmp_path / "long"
    minutes = 3
    long = np.tile(speech, 10 * minutes)
    if kind == "m4a":
        path.write_bytes(encoded(long, "aac", "ipod"))
    else:
        with soundfile.SoundFile(path, "w", RATE, 1, format=kind.upper()) as file:
            # All at once, libsndfile's Vorbis overflows its stack.
            for block in np.split(long, 10 * minutes):
                file.write(block)
        data = path.read_bytes()
        path.write_bytes(data.replace(b"Info", b"none") if kind == "mp3" else data)
    tracemalloc.start()
    try:
        size = sum(len(block) for block in read_blocks(path, block_length=RATE))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert abs(size - len(long)) < 0.2 * RATE
    assert peak < 7e6  # the samples are 12 MB
