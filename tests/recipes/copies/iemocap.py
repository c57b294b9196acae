"""Made-up copies of IEMOCAP."""

import collections
import dataclasses
import itertools
import random

from tests.recipes.copies.audio import wav


@dataclasses.dataclass(frozen=True)
class Turn:
    """One turn as planned; `label` is the annotation's."""

    name: str
    dialog: str
    session: int
    letter: str
    label: str

    @property
    def path(self):
        return f"Session{self.session}/sentences/wav/{self.dialog}/{self.name}.wav"


def full(folder):
    """The published number of turns of each label, session, sex and kind of dialog: all turns."""
    return _write(folder, _full_plan())


def tiny(folder):
    """A few turns of each session and label, in dialogs of every kind of name: all turns."""
    dialogs = [
        *("Ses01F_impro01", "Ses01M_script01_1", "Ses02F_script02_2", "Ses02M_impro08"),
        *("Ses03M_impro05a", "Ses03M_impro05b", "Ses03M_impro08a", "Ses03M_impro08b"),
        *("Ses04F_impro02", "Ses05M_script01_1", "Ses05M_script01_1b"),
    ]
    labels = itertools.cycle(
        ["neu", "xxx", "exc", "hap", "ang", "sad", "fru", "sur", "fea", "oth", "dis"]
    )
    turns = []
    for dialog in dialogs:
        # Both actors speak in every dialog, whoever's movements were recorded.
        for letter, number in ("F", 0), ("M", 0), ("F", 1), ("M", 3), ("M", 12):
            name = f"{dialog}_{letter}{number:03}"
            turns.append(Turn(name, dialog, int(dialog[4]), letter, next(labels)))
    return _write(folder, turns)


# Session: four classes, and how many of them the woman and the man speak.
_FOUR = {
    1: ({"ang": 229, "hap+exc": 278, "neu": 384, "sad": 194}, {"F": 528, "M": 557}),
    2: ({"ang": 137, "hap+exc": 327, "neu": 362, "sad": 197}, {"F": 481, "M": 542}),
    3: ({"ang": 240, "hap+exc": 286, "neu": 320, "sad": 305}, {"F": 522, "M": 629}),
    4: ({"ang": 327, "hap+exc": 303, "neu": 258, "sad": 143}, {"F": 528, "M": 503}),
    5: ({"ang": 170, "hap+exc": 442, "neu": 384, "sad": 245}, {"F": 590, "M": 651}),
}
_OTHERS = {"xxx": 2507, "fru": 1849, "sur": 107, "fea": 40, "oth": 3, "dis": 2}
_HAPPY = 595
_IMPROVISED = {"neu": 1099, "hap+exc": 947, "sad": 608, "ang": 289}


def _dialogs():
    """151 names; a letter behind a number where one was recorded in parts."""
    names = []
    for session, recorded in itertools.product(range(1, 6), "FM"):
        improvised = [f"impro{n:02}" for n in range(1, 8 if session == 1 else 9)]
        scripted = [f"script{n}" for n in ["01_1", "01_2", "01_3", "02_1", "02_2", "03_1", "03_2"]]
        if (session, recorded) == (3, "M"):
            parts = ["impro05a", "impro05b", "impro08a", "impro08b"]
            improvised = [n for n in improvised if n not in ("impro05", "impro08")] + parts
        if (session, recorded) == (5, "M"):
            scripted.append("script01_1b")
        names += [f"Ses0{session}{recorded}_{name}" for name in improvised + scripted]
    assert len(names) == 151
    return names


def _full_plan():
    rng = random.Random(0)
    spoken = []
    for session, (labels, letters) in _FOUR.items():
        classes = [label for label, count in labels.items() for _ in range(count)]
        speakers = [letter for letter, count in letters.items() for _ in range(count)]
        rng.shuffle(speakers)
        spoken += [[session, *pair] for pair in zip(speakers, classes, strict=True)]
    rng.shuffle(spoken)
    left = collections.Counter(_IMPROVISED)
    for turn in spoken:
        turn.append(left[turn[2]] > 0)
        left[turn[2]] -= 1
    others = [label for label, count in _OTHERS.items() for _ in range(count)]
    spoken += [[rng.randint(1, 5), rng.choice("FM"), la, rng.random() < 0.5] for la in others]
    happy = itertools.chain(["hap"] * _HAPPY, itertools.repeat("exc"))
    spoken = [
        (session, letter, next(happy) if label == "hap+exc" else label, improvised)
        for session, letter, label, improvised in spoken
    ]
    rng.shuffle(spoken)
    dialogs = collections.defaultdict(list)
    for name in _dialogs():
        dialogs[int(name[4]), "impro" in name].append(name)
    turning = {key: itertools.cycle(names) for key, names in dialogs.items()}
    numbers = collections.Counter()
    turns = []
    for session, letter, label, improvised in spoken:
        dialog = next(turning[session, improvised])
        name = f"{dialog}_{letter}{numbers[dialog, letter]:03}"
        numbers[dialog, letter] += 1
        turns.append(Turn(name, dialog, session, letter, label))
    assert len(turns) == 10039
    return turns


_COMMENTS = (
    "",
    "curious",
    "très excité; déjà vu",
    "she says: [6.0 - 8.0]",
    "odd\x85[sign\x1c[",
    "\t",
)


def _write(folder, turns):
    rng = random.Random(1)
    by_dialog = collections.defaultdict(list)
    for turn in turns:
        by_dialog[turn.dialog].append(turn)
    for dialog, spoken in by_dialog.items():
        session = folder / f"Session{spoken[0].session}"
        evaluation = session / "dialog" / "EmoEvaluation"
        for name in ("Attribute", "Categorical", "Self-evaluation"):
            (evaluation / name).mkdir(parents=True, exist_ok=True)
        blocks = [_block(turn, begin, rng) for begin, turn in enumerate(spoken)]
        header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        text = header + "\n".join(blocks) + "\n"
        (evaluation / f"{dialog}.txt").write_bytes(text.encode("latin-1"))
        # One rater's view, with lines like those that count.
        own = "".join(block.split("\n")[0].replace("neu", "fea") + "\n" for block in blocks)
        (evaluation / "Categorical" / f"{dialog}_e2_cat.txt").write_text(own)
        (evaluation / "Self-evaluation" / f"{dialog}.txt").write_text(own)
        (evaluation / "Attribute" / f"{dialog}_e2_atr.txt").write_text("F000 :act 3 :val  2\n")
        (evaluation / f"._{dialog}.txt").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X\n[\xff\xfe\n")
        words = session / "dialog" / "transcriptions"
        words.mkdir(parents=True, exist_ok=True)
        said = [f"{turn.name} [006.2901-008.2357]: So.\n" for turn in spoken]
        (words / f"{dialog}.txt").write_text("".join(said))
        audio = session / "sentences" / "wav" / dialog
        audio.mkdir(parents=True, exist_ok=True)
        for number, turn in enumerate(spoken):
            (audio / f"{turn.name}.wav").write_bytes(wav(160 + number, seed=number))
            if number == 0:
                (audio / f"._{turn.name}.wav").write_bytes(b"\0\5\x16\7")
    return turns


def _block(turn, begin, rng):
    """A turn's line, and lines of any number of raters."""
    vad = ", ".join(f"{rng.choice((2, 2.5, 3.3333)):.4f}" for _ in "VAD")
    lines = [f"[{begin + 0.2901:.4f} - {begin + 1.2357:.4f}]\t{turn.name}\t{turn.label}\t[{vad}]"]
    for rater in rng.sample(["E1", "E2", "E3", "E4", "F1", "M1"], rng.randint(1, 6)):
        lines.append(f"C-{rater}:\tNeutral; Anger;\t({rng.choice(_COMMENTS)})")
    for rater in rng.sample(["E1", "E2", "E3", "E4", "F1", "M1"], rng.randint(1, 6)):
        lines.append(f"A-{rater}:\tval 3; act 2; dom  2;\t({rng.choice(_COMMENTS)})")
    return "\n".join(lines) + "\n"
