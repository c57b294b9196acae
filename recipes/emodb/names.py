"""What an EmoDB clip's name says: `SSTTTEv`, that is speaker, text, emotion and version."""

import re

# As the recordings are distributed: `03a01Fa`.
PATTERN = re.compile(r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<emotion>[A-Z])(?P<version>[a-z])")

# The letters are those of the German words: Wut, Langeweile, Ekel, Angst, Freude, Trauer.
EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "N": "neutral",
    "T": "sadness",
}

SEXES = {
    **dict.fromkeys(("03", "10", "11", "12", "15"), "male"),
    **dict.fromkeys(("08", "09", "13", "14", "16"), "female"),
}

# In years, as published with the corpus.
AGES = {
    **{"03": 31, "08": 34, "09": 21, "10": 32, "11": 26},
    **{"12": 30, "13": 32, "14": 35, "15": 25, "16": 31},
}
