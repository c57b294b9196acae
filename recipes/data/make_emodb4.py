"""Makes recipes/data/emodb4, the quickstart's clips, from a folder with EmoDB as FLAC.

    python -m recipes.data.make_emodb4 --source ../shared/data/emodb

The four emotions of EmoDB that most corpora share (anger, happiness, neutral, sadness: 339 clips)
as Ogg Opus, 16 kHz mono, with a manifest. The same source, libsndfile and libopus give the same
bytes. Every clip is decoded again and compared with its source before the folder is replaced.
"""

import argparse
import csv
import io
import shutil
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from rich.progress import track

EMOTIONS = ("anger", "happiness", "neutral", "sadness")
COLUMNS = (
    *("id", "path", "start", "end", "speaker", "sex", "label"),
    *("split", "fold", "session", "text_id"),
)
# One woman and one man each; of those left after the test, 11 and 13 have the most clips of their
# rarest emotion. The other six train.
SPLITS = {"03": "test", "08": "test", "11": "validation", "13": "validation"}
SAMPLE_RATE = 16000
# libsndfile turns it into the bit rate: about 28 kbit/s, 3.6 MB in all.
COMPRESSION_LEVEL = 0.912
MIN_SNR_DB = 6.0

LICENSE = """\
339 utterances of EmoDB (Berlin Database of Emotional Speech): anger 127, happiness 71, neutral 79,
sadness 62; ten speakers. Coded as Ogg Opus from the 16 kHz originals by
recipes/data/make_emodb4.py.

F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss, "A Database of German Emotional
Speech", Interspeech 2005. The original web page asks to cite this paper.

License as published by audEERING (github.com/audeering/emodb): CC0 1.0 Universal,
https://creativecommons.org/publicdomain/zero/1.0/
"""


def encode(samples: np.ndarray) -> bytes:
    """Ogg Opus file of a mono signal at 16 kHz; equal samples give equal bytes."""
    file = io.BytesIO()
    soundfile.write(
        file,
        samples,
        SAMPLE_RATE,
        format="OGG",
        subtype="OPUS",
        compression_level=COMPRESSION_LEVEL,
    )
    return with_serial(file.getvalue(), serial=0)


def with_serial(ogg: bytes, *, serial: int) -> bytes:
    """The Ogg stream with another serial number (libsndfile draws a random one), RFC 3533."""
    pages = bytearray(ogg)
    start = 0
    while start < len(pages):
        segments = pages[start + 26]
        head = start + 27 + segments
        end = head + sum(pages[start + 27 : head])
        pages[start + 14 : start + 18] = struct.pack("<I", serial)
        pages[start + 22 : start + 26] = bytes(4)
        pages[start + 22 : start + 26] = struct.pack("<I", page_checksum(pages[start:end]))
        start = end
    return bytes(pages)


def page_checksum(page: bytes) -> int:
    """CRC-32 of an Ogg page: polynomial 0x04c11db7, most significant bit first, start 0."""
    checksum = 0
    for byte in page:
        checksum = (checksum << 8) & 0xFFFFFFFF ^ CHECKSUMS[checksum >> 24 ^ byte]
    return checksum


def checksum_of_byte(byte: int) -> int:
    checksum = byte << 24
    for _ in range(8):
        checksum = (checksum << 1) ^ (0x04C11DB7 if checksum & 0x80000000 else 0)
    return checksum & 0xFFFFFFFF


CHECKSUMS = [checksum_of_byte(byte) for byte in range(256)]


def signal_to_noise(source: np.ndarray, decoded: np.ndarray) -> float:
    """Energy of the source over energy of the difference, in dB."""
    return 10 * np.log10(np.sum(source**2) / np.sum((source - decoded) ** 2))


def shift(source: np.ndarray, decoded: np.ndarray) -> int:
    """Samples by which the second signal comes later: the peak of the cross-correlation."""
    correlation = scipy.signal.correlate(decoded, source, mode="full", method="fft")
    return int(np.argmax(correlation)) - (len(source) - 1)


def compare(source: np.ndarray, ogg: bytes, name: str) -> float:
    """Signal-to-noise ratio of a coded clip; raises if it is not the source's sound."""
    decoded, rate = soundfile.read(io.BytesIO(ogg))
    if rate != SAMPLE_RATE or decoded.shape != source.shape or shift(source, decoded):
        raise ValueError(
            f"{name}: expected {source.shape} samples at {SAMPLE_RATE} Hz after coding, not "
            f"shifted. Received: {decoded.shape} samples at {rate} Hz, shifted by "
            f"{shift(source, decoded)}. Use another version of soundfile."
        )
    ratio = signal_to_noise(source, decoded)
    if ratio < MIN_SNR_DB:
        raise ValueError(
            f"{name}: expected at least {MIN_SNR_DB} dB between the clip and its coding noise. "
            f"Received: {ratio:.1f} dB. Listen to the source file."
        )
    return ratio


def read_source(folder: Path) -> list[dict[str, str]]:
    """Rows of EmoDB's table whose emotion is one of the four."""
    table = folder / "emodb.csv"
    if not table.is_file():
        raise ValueError(
            f"Expected EmoDB's table emodb.csv and audio/ in a folder. No such {table}"
        )
    with table.open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.DictReader(lines) if row["emotion"] in EMOTIONS]


def manifest_row(row: dict[str, str]) -> dict[str, str]:
    """The row of a clip in the manifest: empty where a column does not apply."""
    name = Path(row["path"]).stem
    return dict.fromkeys(COLUMNS, "") | {
        "id": name,
        "path": f"audio/{name}.ogg",
        "speaker": row["speaker"],
        "sex": row["sex"],
        "label": row["emotion"],
        "split": SPLITS.get(row["speaker"], "train"),
        "text_id": row["text_id"],
    }


def write_folder(source: Path, folder: Path) -> None:
    """Writes audio, manifest and license note into an empty folder, and prints figures."""
    rows = read_source(source)
    (folder / "audio").mkdir()
    ratios = []
    manifest = []
    for row in track(rows, description="Coding", transient=True):
        samples, rate = soundfile.read(source / row["path"])
        if rate != SAMPLE_RATE or samples.ndim != 1:
            raise ValueError(
                f"Expected mono audio at {SAMPLE_RATE} Hz. Received: {row['path']} with shape "
                f"{samples.shape} at {rate} Hz. Convert it first."
            )
        line = manifest_row(row)
        ogg = encode(samples)
        ratios.append(compare(samples, ogg, line["path"]))
        (folder / line["path"]).write_bytes(ogg)
        manifest.append(line)
    with (folder / "emodb4.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(manifest)
    (folder / "LICENSE.txt").write_text(LICENSE, encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    low, middle = np.percentile(ratios, [0, 50])
    print(f"{len(rows)} clips, {size / 1e6:.2f} MB in all, each as long as its source, not shifted")
    print(f"signal-to-noise ratio: median {middle:.1f} dB, lowest {low:.1f} dB")


def replace_folder(new: Path, folder: Path) -> None:
    """Puts a finished folder in the place of `folder`, which is removed last."""
    old = new.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.data.make_emodb4", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--source", type=Path, required=True, help="folder with emodb.csv, audio/")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "emodb4")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix=".emodb4-", dir=options.output.parent) as beside:
        new = Path(beside) / "emodb4"
        new.mkdir()
        try:
            write_folder(options.source, new)
        except (ValueError, OSError) as error:
            print(f"make_emodb4: {error}", file=sys.stderr)
            return 2
        replace_folder(new, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
