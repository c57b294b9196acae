"""A made-up copy of EmoDB: its layouts and names, no voice of anybody."""

from tests.recipes.copies.audio import wav

WORDS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "N": "neutral",
    "T": "sadness",
}
# Clips of each speaker and emotion, as published.
CLIPS = {
    "03": {"W": 14, "L": 5, "E": 1, "A": 4, "F": 7, "N": 11, "T": 7},
    "08": {"W": 12, "L": 10, "E": 0, "A": 6, "F": 11, "N": 10, "T": 9},
    "09": {"W": 13, "L": 4, "E": 8, "A": 1, "F": 4, "N": 9, "T": 4},
    "10": {"W": 10, "L": 8, "E": 1, "A": 8, "F": 4, "N": 4, "T": 3},
    "11": {"W": 11, "L": 8, "E": 2, "A": 10, "F": 8, "N": 9, "T": 7},
    "12": {"W": 12, "L": 5, "E": 2, "A": 6, "F": 2, "N": 4, "T": 4},
    "13": {"W": 12, "L": 10, "E": 8, "A": 7, "F": 10, "N": 9, "T": 5},
    "14": {"W": 16, "L": 8, "E": 8, "A": 12, "F": 8, "N": 7, "T": 10},
    "15": {"W": 13, "L": 9, "E": 5, "A": 8, "F": 6, "N": 11, "T": 4},
    "16": {"W": 14, "L": 14, "E": 11, "A": 7, "F": 11, "N": 5, "T": 9},
}
MEN = ("03", "10", "11", "12", "15")
TEXTS = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")


def tiny(folder, sub="wav"):
    """At most two clips of each speaker and emotion. Returns what each one is, by its name."""
    return _write(folder / sub, {s: {e: min(n, 2) for e, n in c.items()} for s, c in CLIPS.items()})


def full(folder, sub="wav"):
    """All 535."""
    return _write(folder / sub, CLIPS)


def _write(folder, clips):
    folder.mkdir(parents=True)
    (folder / "._03a01Fa.wav").write_bytes(b"\0\5\26\7Mac OS X")
    found = {}
    for speaker, counts in clips.items():
        for letter, count in counts.items():
            for index in range(count):
                text, version = TEXTS[index % len(TEXTS)], "abcd"[index // len(TEXTS)]
                name = f"{speaker}{text}{letter}{version}"
                (folder / f"{name}.wav").write_bytes(wav(400))
                sex = "male" if speaker in MEN else "female"
                found[name] = (speaker, sex, WORDS[letter], text)
    return found
