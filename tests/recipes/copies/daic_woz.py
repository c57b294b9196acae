"""A made-up copy of DAIC-WOZ: its layout and its oddities, nothing that anybody said."""

import dataclasses

from tests.recipes.copies.audio import RATE, write_sparse

# As published.
NUMBERS = [number for number in range(300, 493) if number not in (342, 394, 398, 460)]
OFFSETS = {318: 34.319917, 321: 3.8379167, 341: 6.1892, 362: 16.8582}
INTERRUPTIONS = {373: (352, 428), 444: (286, 387)}
WITHOUT_ELLIE = (451, 458, 480)
SPLIT_OF = {
    **dict.fromkeys((318, 319, 321, 341, 362, 409, 444), "train"),
    **dict.fromkeys((451, 458), "validation"),
    **dict.fromkeys((373, 480), "test"),
}
PARTICIPANTS = {"train": 107, "validation": 35, "test": 47}
DEPRESSED = {"train": 30, "validation": 12, "test": 14}

LONG_HEADING = (
    "Participant_ID,PHQ8_Binary,PHQ8_Score,Gender,PHQ8_NoInterest,PHQ8_Depressed,PHQ8_Sleep,"
    "PHQ8_Tired,PHQ8_Appetite,PHQ8_Failure,PHQ8_Concentrating,PHQ8_Moving"
)
ITEMS = 8
SYNC = ("<sync>", "okay <sync>", "[sync]", "<synch>", "[syncing]", "[synching]")
ANSWERS = ('um i "guess" so', "<laughter> yeah, i don't know", "no", "los angeles <clears throat>")


@dataclasses.dataclass(frozen=True)
class Row:
    """A row that a participant speaks in, as it ought to be read.

    `dropped_by` are the errata of which each one drops the row.
    """

    session: str
    number: int
    start: float
    stop: float
    offset: float
    label: str
    relabelled: bool
    split: str
    sex: str
    dropped_by: frozenset


def expected(rows, without=()):
    """(id, start, end, label) of the rows that are left when some errata are not applied."""
    left = []
    for row in rows:
        if row.dropped_by - set(without):
            continue
        offset = 0 if f"offset-{row.session}" in without else row.offset
        kept = row.relabelled and f"label-{row.session}" in without
        label = "0" if kept else row.label
        left.append((f"{row.session}_{row.number}", row.start + offset, row.stop + offset, label))
    return left


def tiny(folder):
    """Fifteen sessions; every oddity is there. Returns the rows of the participants."""
    people = {number: SPLIT_OF.get(number) for number in (300, 303, *SPLIT_OF)}
    people |= {300: "train", 303: "train", 302: "validation", 307: "test"}
    return _write(folder, people, depressed={303, 302, 307, 318, 458, 480})


def full(folder):
    """All 189 sessions, with as many participants of each split and label as are published."""
    left = {split: n - list(SPLIT_OF.values()).count(split) for split, n in PARTICIPANTS.items()}
    free = iter([split for split, n in left.items() for _ in range(n)])
    people = {number: SPLIT_OF.get(number) or next(free) for number in NUMBERS}
    depressed = set()
    for split, n in DEPRESSED.items():
        mates = [number for number in people if people[number] == split and number != 409]
        depressed |= set(mates[:: len(mates) // n][:n])
    return _write(folder, people, depressed)


def _write(folder, people, depressed):
    labels = {number: "1" if number in depressed else "0" for number in people}
    sexes = {number: str(number % 3 % 2) for number in people}
    _write_labels(folder, people, labels, sexes)
    found = []
    for number in sorted(people):
        about = {
            "session": str(number),
            "offset": OFFSETS.get(number, 0),
            "label": "1" if number == 409 else labels[number],
            "relabelled": number == 409,
            "split": people[number],
            "sex": ("female", "male")[int(sexes[number])],
        }
        found += _write_session(folder / f"{number}_P", number, about)
    return found


def _write_labels(folder, people, labels, sexes):
    def members(split):
        # Not in order: nothing says that they are.
        return sorted((n for n, s in people.items() if s == split), key=lambda n: n * 7 % 11)

    def score(number):
        return 10 if number == 409 else 3 + 10 * int(labels[number])

    for split, name in (("train", "train"), ("validation", "dev")):
        lines = [LONG_HEADING]
        for number in members(split):
            items = ["1"] * ITEMS
            if number == 319:
                items[2] = ""
            cells = [str(number), labels[number], str(score(number)), sexes[number], *items]
            lines.append(",".join(cells))
        text = "\r\n".join([*lines, "", ""])
        (folder / f"{name}_split_Depression_AVEC2017.csv").write_text(text, newline="")
    test = members("test")
    (folder / "test_split_Depression_AVEC2017.csv").write_text(
        "\n".join(["participant_ID,Gender", *(f"{n},{sexes[n]}" for n in test), ""])
    )
    (folder / "full_test_split.csv").write_text(
        "\n".join(
            [
                "Participant_ID,PHQ_Binary,PHQ_Score,Gender",
                *(f"{n},{labels[n]},{score(n)},{sexes[n]}" for n in sorted(test)),
                "",
            ]
        )
    )


def _write_session(folder, number, about):
    rows = list(_interview(number))
    folder.mkdir()
    lines = ["start_time\tstop_time\tspeaker\tvalue"]
    lines += [f"{start:.3f}\t{stop:.3f}\t{who}\t{text}" for start, stop, who, text, _ in rows]
    # One has a blank line in its middle, some have another end of line, all blank last lines.
    if number % 5 == 0:
        lines.insert(4, "")
    end = "\r\n" if number % 4 == 0 else "\n"
    text = end.join([*lines, "", "", ""])
    (folder / f"{number}_TRANSCRIPT.csv").write_text(text, newline="", encoding="utf-8")
    (folder / f"._{number}_TRANSCRIPT.csv").write_bytes(b"\0\5\26\7Mac OS X")
    length = max(stop for _, stop, *_ in rows) + about["offset"] + 1
    # A second is enough of any row.
    sounds = [
        (start + about["offset"], min(stop, start + 1) + about["offset"])
        for start, stop, *_ in rows
    ]
    write_sparse(folder / f"{number}_AUDIO.wav", int(length * RATE), sounds)
    return [
        Row(number=index, start=start, stop=stop, dropped_by=frozenset(dropped), **about)
        for index, (start, stop, who, _, dropped) in enumerate(rows, start=1)
        if who == "Participant"
    ]


def _interview(number):
    """(start, stop, speaker, value, errata that drop it) of each row."""
    ellie = number not in WITHOUT_ELLIE
    sync = SYNC[number % len(SYNC)]
    before = {"chatter"} if ellie else set()
    if ellie:
        yield 0.1, 0.35, "Participant", "so do i look at the <screen>", before
    yield 0.4, 0.55, "Participant", sync, {"sync"} | before
    if ellie:
        # A mark of hers is no question.
        yield 0.4, 0.55, "Ellie", sync, set()
        yield 0.56, 0.6, "Participant", "okay", before
        yield 0.61, 0.9, "Ellie", "hi i'm ellie thanks for coming in today", set()
    yield 1.011, 1.5, "Participant", "scrubbed_entry", {"scrubbed-entry"}
    time = 2.0
    for index in range(3):
        if ellie:
            yield time, time + 0.4, "Ellie", "how are you doing today", set()
        yield time + 0.5, time + 0.9, "Participant", ANSWERS[(number + index) % 4], set()
        time += 1.003
    yield from _interruption(*INTERRUPTIONS[number], number) if number in INTERRUPTIONS else ()


def _interruption(begin, end, number):
    drops = {f"interruption-{number}"}
    if number != 444:
        # Her row makes no difference.
        yield begin - 3, begin + 1, "Ellie", "where are you from originally", set()
    yield begin - 1, begin, "Participant", "just before", set()
    yield begin - 0.5, begin + 0.5, "Participant", "into it", drops
    yield begin + 10, begin + 11, "Participant", "within", drops
    yield begin + 12, end + 5, "Participant", "out of it", drops
    yield end, end + 1, "Participant", "just after", set()
    yield end + 2, end + 3, "Participant", "over", set()
