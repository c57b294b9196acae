"""Makes the golden files of the library's tests, with librosa, soundfile and this package.

    python android_demo/tools/golden_files.py

Writes resampled.bin, wav.bin, sound.bin, scores.bin, sigmoid.tflite, int4.tflite, age.tflite and
affect.tflite to library/src/test/resources. Same versions, same bytes, but for the time of day in
float WAV files. All numbers in the .bin files are big-endian, as Java reads them.
"""

import io
import struct
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile

from keras_reparam.audio.windows import decibels, loudest, valid_samples

RESOURCES = Path(__file__).parents[1] / "library" / "src" / "test" / "resources"
RATES = [
    (44100, 16000),
    (48000, 16000),
    (8000, 16000),
    (22050, 16000),
    (11025, 16000),
    (16000, 44100),
]
# Where zeros are in 2700 samples at 8000 Hz, of which a frame has 200 and the loudest is of 800.
GAPS = [
    [],
    [(0, 300)],
    [(630, 2700)],
    [(100, 299), (350, 760)],
    [(0, 77), (300, 650), (790, 800)],
    [(0, 10), (11, 800)],
    [(0, 2700)],
]
SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"]


def main() -> None:
    RESOURCES.mkdir(parents=True, exist_ok=True)
    (RESOURCES / "resampled.bin").write_bytes(b"".join(resampled(*rates) for rates in RATES))
    (RESOURCES / "wav.bin").write_bytes(
        b"".join(
            wav(container, subtype, channels)
            for container in ("WAV", "WAVEX")
            for subtype in SUBTYPES
            for channels in (1, 2)
        )
    )
    (RESOURCES / "sound.bin").write_bytes(b"".join(sound(gaps) for gaps in GAPS))
    write_model(RESOURCES / "sigmoid.tflite", quantization="float32", head="sigmoid")
    write_model(
        RESOURCES / "int4.tflite", quantization="int4_dynamic", head="softmax", unsure_below=0.75
    )
    write_values(
        RESOURCES / "age.tflite", [40], [20], labels=["age"], unit="years", value_range=(18, 60)
    )
    write_values(
        RESOURCES / "affect.tflite",
        *([3, -6], [-0.2, 1.2]),
        labels=["valence", "arousal"],
        value_range=(-1, 1),
    )
    (RESOURCES / "scores.bin").write_bytes(scores("age", "affect", "sigmoid"))


def resampled(source: int, target: int) -> bytes:
    """A chord below, and a tone above what the lower rate can hold, at both rates."""
    time = np.arange(source // 20) / source
    low = min(source, target)
    tones = [(0.013 * low, 0.3), (0.11 * low, 0.2), (0.37 * low, 0.15), (0.44 * low, 0.1)]
    if source > target:
        tones.append((0.62 * low, 0.2))
    sound = sum(gain * np.sin(2 * np.pi * hertz * time) for hertz, gain in tones).astype("float32")
    expected = librosa.resample(sound, orig_sr=source, target_sr=target, res_type="soxr_vhq")
    return struct.pack(">ii", source, target) + floats(sound) + floats(expected)


def wav(container: str, subtype: str, channels: int) -> bytes:
    """A small file, and what soundfile reads from it, averaged over the channels."""
    noise = np.random.default_rng(channels).uniform(-1, 1, (60, channels))
    noise[:2] = [[-1.0] * channels, [0.999] * channels]
    file = io.BytesIO()
    soundfile.write(file, noise, 22050, subtype=subtype, format=container)
    content = file.getvalue()
    read, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    name = f"{container} {subtype} {channels}".encode()
    head = struct.pack(">H", len(name)) + name
    return head + struct.pack(">i", len(content)) + content + floats(read.mean(axis=1))


def sound(gaps: list[tuple[int, int]]) -> bytes:
    """Noise that rises, with an offset and with zeros in it: how much is sound, and how loud."""
    samples = np.random.default_rng(len(gaps)).normal(0.05, 0.1, 2700) * np.geomspace(0.1, 1, 2700)
    samples = samples.astype("float32")
    for start, end in gaps:
        samples[start:end] = 0
    valid = valid_samples(samples, 8000)
    return (
        struct.pack(">i", 8000)
        + floats(samples)
        + struct.pack(">iff", len(valid), decibels(valid), loudest(valid, 8000))
    )


def write_model(path: Path, *, quantization: str, head: str, unsure_below: float = 0.0) -> None:
    """Two classes, of the first sample x alone: logits 4x - 1 and -4x - 1."""
    import keras

    import keras_reparam as kr

    inputs = keras.Input((800,))
    dense = keras.layers.Dense(2)
    model = keras.Model(inputs, dense(inputs))
    kernel = np.zeros((800, 2), "float32")
    kernel[0] = 4, -4
    dense.set_weights([kernel, np.array([-1, -1], "float32")])
    labels = ["above", "below"]
    kr.export_tflite(
        model,
        path,
        quantization=quantization,
        head=head,
        labels=labels,
        sample_rate=8000,
        unsure_below=unsure_below,
    )


def write_values(path: Path, slopes: list[float], offsets: list[float], **about: Any) -> None:
    """Values that rise or fall with the mean absolute sample."""
    import keras

    import keras_reparam as kr

    inputs = keras.Input((800,))
    dense = keras.layers.Dense(len(slopes))
    mean = keras.ops.mean(keras.ops.absolute(inputs), axis=-1, keepdims=True)
    model = keras.Model(inputs, dense(mean))
    dense.set_weights([np.array([slopes], "float32"), np.array(offsets, "float32")])
    kr.export_tflite(model, path, quantization="float32", head="linear", sample_rate=8000, **about)


def scores(*names: str) -> bytes:
    """Noises, each of another level and length, and what Python makes of them with each model."""
    import keras_reparam as kr

    noises = [
        np.random.default_rng(count).normal(0.1, level, count).astype("float32")
        for count, level in ((800, 0.1), (500, 0.3), (1500, 0.2))
    ]
    content = struct.pack(">i", len(noises)) + b"".join(map(floats, noises))
    for name in names:
        classifier = kr.load_classifier(RESOURCES / f"{name}.tflite")
        content += struct.pack(">H", len(name)) + name.encode()
        for noise in noises:
            content += floats(classifier.classify(noise, 8000).probabilities)
    return content


def floats(values: np.ndarray) -> bytes:
    return struct.pack(">i", len(values)) + values.astype(">f4").tobytes()


if __name__ == "__main__":
    main()
