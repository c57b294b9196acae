"""Made-up copies of M3ED."""

import collections
import dataclasses
import itertools
import json
import random

from tests.recipes.copies.audio import wav


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One utterance as planned; `samples` of its audio."""

    id: str
    movie: str
    split: str
    speaker: str
    sex: str
    label: str
    samples: int

    @property
    def path(self):
        return f"modality_speech/{self.speaker}_{self.id}.wav"


SWAPPED = "jimaofeishangtian_13_6"
# 7 ms at 16 kHz.
SHORTEST = 112

_COLUMNS = ("Neutral", "Anger", "Sad", "Happy", "Disgust", "Surprise", "Fear")
# Split: series, dialogs, usable utterances by label, and those without samples.
_FULL = {
    "train": (38, 671, (7126, 3814, 2734, 1625, 1145, 696, 280), 7),
    "val": (7, 126, (1042, 681, 489, 303, 134, 120, 50), 2),
    "test": (11, 193, (1853, 736, 734, 358, 218, 234, 65), 3),
}
_TINY = {
    "train": (3, 17, (12, 9, 8, 7, 6, 5, 4), 2),
    "val": (1, 2, (2, 2, 2, 1, 1, 1, 1), 1),
    "test": (2, 3, (3, 3, 2, 2, 1, 1, 1), 1),
}


def full(folder):
    """The published number of series, dialogs and utterances of each split and label."""
    return _write(folder, _plan(_FULL), extra_dialogs=26)


def tiny(folder):
    """A few of each: all utterances."""
    return _write(folder, _plan(_TINY), extra_dialogs=2)


def _plan(splits):
    rng = random.Random(0)
    utterances = []
    for split, (movies, dialogs, counts, empty) in splits.items():
        names = [f"{split}ju{number}" for number in range(1, movies + 1)]
        if split == "train":
            # With a dialog 13.
            names[0] = "jimaofeishangtian"
            first = 13
        else:
            first = 1
        places = [(names[0], number) for number in range(1, first + 1)]
        for name in itertools.islice(itertools.cycle(names[1:] or names), dialogs - first):
            places.append((name, sum(movie == name for movie, _ in places) + 1))
        labels = [la for la, count in zip(_COLUMNS, counts, strict=True) for _ in range(count)]
        rng.shuffle(labels)
        # Some have no samples; the shortest has 7 ms.
        samples = [0] * empty + [SHORTEST] + [rng.randint(113, 320) for _ in labels[1:]]
        labels = labels[:1] * empty + labels
        # The one whose speaker is swapped has samples.
        spoken = list(zip(labels, samples, strict=True))[::-1]
        numbers = collections.Counter()
        where = itertools.cycle(places)
        for count, (label, length) in enumerate(spoken):
            if split == "train" and count == 0:
                movie, dialog, number, speaker = "jimaofeishangtian", 13, 6, "B"
                numbers[movie, dialog] = 6
            else:
                movie, dialog = next(where)
                # With gaps.
                numbers[movie, dialog] += rng.choice((1, 1, 1, 2, 5))
                number, speaker = numbers[movie, dialog], rng.choice("AB")
            sexes = _sexes(movie, dialog)
            name = f"{movie}_{dialog}_{number}"
            utterances.append(Utterance(name, movie, split, speaker, sexes[speaker], label, length))
    return utterances


def _sexes(movie, dialog):
    """A is another person in another dialog."""
    pair = ("Female", "Male") if dialog % 3 else ("Male", "Male")
    return dict(zip("AB", pair, strict=True))


def _write(folder, utterances, *, extra_dialogs):
    rng = random.Random(1)
    audio = folder / "modality_speech"
    audio.mkdir(parents=True)
    annotation = {}
    # Neither in the order of numbers.
    for utterance in rng.sample(utterances, len(utterances)):
        (audio / f"{utterance.speaker}_{utterance.id}.wav").write_bytes(wav(utterance.samples))
        _annotate(annotation, utterance, rng)
    written = json.dumps(annotation, ensure_ascii=False, indent=1)
    (folder / "annotation.json").write_text(written, encoding="utf-8")

    lists = folder / "splitInfo"
    lists.mkdir()
    for split in ("train", "val", "test"):
        movies = sorted({u.movie for u in utterances if u.split == split})
        # No newline at the end.
        (lists / f"movie_list_{split}.txt").write_text("\n".join(movies))
    total = sorted({u.movie for u in utterances})
    (lists / "movie_list_total.txt").write_text("\n".join(total))

    clip = {"episode": 2, "start_time": "00:23:48:04", "end_time": "00:24:15:08"}
    relations = {movie: dict.fromkeys(dialogs, clip) for movie, dialogs in annotation.items()}
    for movie, number in itertools.islice(
        itertools.product(relations, range(900, 990)), extra_dialogs
    ):
        relations[movie][f"{movie}_{number}"] = clip
    (folder / "relation_annotation_release.json").write_text(json.dumps(relations))
    return utterances


def _age(movie, letter):
    return ("child", "young", "mid", "old")[(len(movie) + ord(letter)) % 4]


def _annotate(annotation, utterance, rng):
    dialog = utterance.id.rpartition("_")[0]
    sexes = _sexes(utterance.movie, int(dialog.rpartition("_")[2]))
    about = {
        letter: {
            "Name": f"人{letter}",
            "Age": _age(utterance.movie, letter),
            "Gender": sex,
            "OtherName": "",
        }
        for letter, sex in sexes.items()
    }
    movie = annotation.setdefault(utterance.movie, {})
    spoken = movie.setdefault(dialog, {"SpeakerInfo": about, "Dialog": {}})["Dialog"]
    several = ",".join(rng.sample(_COLUMNS, 2))
    begin = rng.randint(0, 50)
    spoken[utterance.id] = {
        "StartTime": f"00:00:{begin:02}:{rng.randint(0, 24):02}",
        "EndTime": f"00:00:{begin + 3:02}:{rng.randint(0, 24):02}",
        "Text": "是吗",
        # The other one, in the one that is known for it.
        "Speaker": "A" if utterance.id == SWAPPED else utterance.speaker,
        "EmoAnnotation": {
            "EmoAnnotator1": several,
            "EmoAnnotator2": rng.choice(_COLUMNS),
            "EmoAnnotator3": several,
            "final_mul_emo": f"{utterance.label},{rng.choice(_COLUMNS)}",
            "final_main_emo": utterance.label,
        },
    }
