"""What a CREMA-D clip's name says: `actor_sentence_EMO_level`."""

import re

# As the recordings are distributed: `1001_IEO_ANG_HI`; one of them ends with a single X.
PATTERN = re.compile(
    r"(?P<actor>\d{4})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]{1,2})"
)

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}

# How intense the emotion was to be acted; of most clips nothing was said.
LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}
