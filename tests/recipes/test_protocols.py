"""Who trains, validates and tests, in all recipes."""

import csv
import dataclasses
import doctest
from collections import Counter
from pathlib import PurePath

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut, PredefinedSplit

from recipes.common.manifest import Segment
from recipes.common.protocol import labels as common_labels
from recipes.common.protocol.examples import cross_corpus_examples, examples_of
from recipes.common.protocol.labels import class_of, common_label
from recipes.common.tasks.classes import Classes
from recipes.crema_d import manifest as crema_d_manifest
from recipes.crema_d import protocol as crema_d
from recipes.crema_d.settings import CremaDSettings
from recipes.custom import protocol as custom
from recipes.custom.dealing import deal
from recipes.custom.settings import CustomSettings
from recipes.daic_woz import manifest as daic_woz_manifest
from recipes.daic_woz import protocol as daic_woz
from recipes.daic_woz.settings import DaicWozSettings
from recipes.emodb import manifest as emodb_manifest
from recipes.emodb import names as emodb_names
from recipes.emodb import protocol as emodb
from recipes.emodb.settings import EmodbSettings
from recipes.iemocap import labels as iemocap_labels
from recipes.iemocap import manifest as iemocap_manifest
from recipes.iemocap import protocol as iemocap
from recipes.iemocap.settings import IemocapSettings
from recipes.m3ed import manifest as m3ed_manifest
from recipes.m3ed import protocol as m3ed
from recipes.m3ed import utterances as m3ed_utterances
from recipes.m3ed.settings import M3edSettings
from tests.recipes.copies import crema_d as crema_d_copies
from tests.recipes.copies import daic_woz as daic_woz_copies
from tests.recipes.copies import iemocap as iemocap_copies
from tests.recipes.copies import m3ed as m3ed_copies

FOUR = ("anger", "happiness", "neutral", "sadness")
SIX = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
SEVEN = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")


def segment(id, label, speaker, **about):
    empty = dict.fromkeys(("sex", "split", "fold", "session", "text_id"), "")
    times = {"start": None, "end": None}
    return Segment(
        **{"id": id, "path": f"{id}.wav", "label": label, "speaker": speaker}
        | empty
        | times
        | about
    )


def ids(examples):
    return [example.id for example in examples]


def speakers(examples):
    return {example.speaker for example in examples}


def splits_of(fold):
    return {"train": fold.train, "validation": fold.validation, **fold.tests}


def classes(examples, labels):
    return Counter(labels[example.label] for example in examples)


def same_tests(folds, segments, groups):
    """Tests are those that scikit-learn leaves out, group by group."""
    groups = np.array(groups)
    wanted = {
        groups[test[0]]: [segments[i].id for i in test]
        for _, test in LeaveOneGroupOut().split(groups, groups=groups)
    }
    assert {fold.name: ids(fold.tests["test"]) for fold in folds} == wanted
    assert [fold.name for fold in folds] == sorted(wanted)
    for fold in folds:
        splits = [set(ids(split)) for split in splits_of(fold).values()]
        assert sum(map(len, splits)) == len(set().union(*splits)) == len(segments)


# The table.


def test_every_corpus_word_has_a_common_name():
    common = {
        *("anger", "boredom", "disgust", "fear", "frustration", "happiness", "neutral", "other"),
        *("sadness", "surprise", "no agreement", "depressed", "not depressed"),
    }
    words = [*iemocap_labels.LABELS, *m3ed_utterances.LABELS, *emodb_names.EMOTIONS.values()]
    assert {common_label(word) for word in [*words, "0", "1"]} == common
    assert {name: common_label(name) for name in common} == {name: name for name in common}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        *(("exc", "happiness"), ("hap", "happiness"), ("happy", "happiness"), ("sad", "sadness")),
        *(("1", "depressed"), (" Angry ", "anger"), ("Très Calme", "très calme")),
    ],
)
def test_common_names(word, name):
    assert common_label(word) == name


def test_words_of_public_corpora():
    """All of EmoBox's lists but single letters and numbers, which corpora use differently."""
    lists = {
        "happiness": "happy joy excited exc ha hap gio happiness",
        "anger": "angry anger an ang rab",
        "sadness": "sad sadness sa tri",
        "fear": "fear fearful fe fea pau",
        "neutral": "neutral neutrality neu",
        "disgust": "disgust disgusted di dis",
        "surprise": "surprise surprised su sor ps",
        "boredom": "boredem boredom bored",
    }
    for name, words in lists.items():
        assert {common_label(word.title()) for word in words.split()} == {name}
    # Nothing else is so much as nearly the same.
    for word in ("calm", "contempt", "amused", "enthusiasm", "worried", "annoyed", "sleepy"):
        assert common_label(word) == word


def test_examples_in_the_documentation():
    report = doctest.testmod(common_labels)
    assert report.attempted
    assert not report.failed


def test_class_of_prefers_the_word_itself():
    assert class_of("0", ("0", "1")) == 0
    assert class_of("0", ("depressed", "not depressed")) == 1
    assert class_of("fru", FOUR) is None


# Other corpora.


def test_cross_corpus_examples():
    words = ["ang", "hap", "fru", "neu", "fru", "xxx", "Sadness"]
    segments = [segment(str(i), word, f"s{i}", sex="female") for i, word in enumerate(words)]
    examples, left_out = cross_corpus_examples(segments, Classes(FOUR))
    assert [(e.id, FOUR[e.label], e.speaker, e.decision) for e in examples] == [
        ("0", "anger", "s0", "0"),
        ("1", "happiness", "s1", "1"),
        ("3", "neutral", "s3", "3"),
        ("6", "sadness", "s6", "6"),
    ]
    assert left_out == {"frustration": 2, "no agreement": 1}
    with pytest.raises(ValueError, match="depressed, not depressed. Received: anger, frus"):
        cross_corpus_examples(segments, Classes(("depressed", "not depressed")))
    with pytest.raises(ValueError, match="Received: no segments"):
        cross_corpus_examples([], Classes(FOUR))


def test_another_corpus_for_a_model_of_daic_woz():
    chosen = DaicWozSettings()
    labels = daic_woz.labels_of(chosen, [])
    segments = [segment(f"a{i}", "Depressed", "ann") for i in range(30)]
    segments += [segment("b", "0", "bob"), segment("c", "happy", "cid")]
    examples, left_out = cross_corpus_examples(
        segments, Classes(labels), examples_of=lambda *known: daic_woz.examples_of(*known, chosen)
    )
    # Files of a length that isn't known: all of them.
    assert Counter((e.decision, labels[e.label]) for e in examples) == {
        ("ann", "depressed"): 30,
        ("bob", "not depressed"): 1,
    }
    assert left_out == {"happiness": 1}


# IEMOCAP.


@pytest.fixture(scope="module")
def tiny_iemocap(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iemocap")
    iemocap_copies.tiny(folder)
    return iemocap_manifest.read(folder).segments


def check_iemocap(segments, **options):
    chosen = IemocapSettings(**options)
    assert iemocap.labels_of(chosen, segments) == FOUR
    folds = iemocap.folds_of(segments, chosen)
    used = [s for s in segments if s.label in ("ang", "hap", "neu", "sad")]
    if chosen.improvised:
        used = [s for s in used if "impro" in s.id]
    by_session = chosen.protocol == "session"
    same_tests(folds, used, [s.session if by_session else s.speaker for s in used])
    return folds


def test_iemocap_by_session(tiny_iemocap):
    folds = check_iemocap(tiny_iemocap)
    assert [(f.name, sorted({e.segments[0].session for e in f.validation})) for f in folds] == [
        *(("1", ["2"]), ("2", ["3"]), ("3", ["4"]), ("4", ["5"]), ("5", ["1"]))
    ]
    check_iemocap([s for s in tiny_iemocap if s.session != "4"])
    with pytest.raises(ValueError, match="at least three folds.*Received: 1, 2"):
        iemocap.folds_of([s for s in tiny_iemocap if s.session < "3"], IemocapSettings())


def test_iemocap_by_speaker():
    segments = [
        segment(f"Ses0{n}{letter}_{i}", label, f"Ses0{n}{letter}", session=str(n))
        for n in range(1, 6)
        for letter in "FM"
        for i, label in enumerate(("ang", "hap", "xxx"))
    ]
    for fold in check_iemocap(segments, protocol="speaker"):
        other = fold.name[:-1] + {"F": "M", "M": "F"}[fold.name[-1]]
        assert speakers(fold.validation) == {other}
        assert speakers(fold.train) == {
            f"Ses0{n}{letter}" for n in range(1, 6) if str(n) != fold.name[4] for letter in "FM"
        }


@pytest.mark.slow
def test_iemocap_of_published_size(tmp_path):
    turns = iemocap_copies.full(tmp_path)
    segments = iemocap_manifest.read(tmp_path).segments
    assert len(segments) == len(turns) == 10_039
    # As published: angry, happy with excited, neutral, sad.
    published = {
        "1": (229, 278, 384, 194),
        "2": (137, 327, 362, 197),
        "3": (240, 286, 320, 305),
        "4": (327, 303, 258, 143),
        "5": (170, 442, 384, 245),
    }
    totals = {"1": 1085, "2": 1023, "3": 1151, "4": 1031, "5": 1241}
    for fold in check_iemocap(segments):
        following = str(int(fold.name) % 5 + 1)
        counts = classes(fold.tests["test"], FOUR)
        assert tuple(counts[label] for label in FOUR) == published[fold.name]
        assert len(fold.tests["test"]) == totals[fold.name]
        assert len(fold.validation) == totals[following]
        assert len(fold.train) == 5531 - totals[fold.name] - totals[following]
    by_speaker = {
        fold.name: len(fold.tests["test"]) for fold in check_iemocap(segments, protocol="speaker")
    }
    assert by_speaker == {
        **{"Ses01F": 528, "Ses02F": 481, "Ses03F": 522, "Ses04F": 528, "Ses05F": 590},
        **{"Ses01M": 557, "Ses02M": 542, "Ses03M": 629, "Ses04M": 503, "Ses05M": 651},
    }
    improvised = check_iemocap(segments, improvised=True)
    found = Counter()
    for fold in improvised:
        found += classes(fold.tests["test"], FOUR)
    assert found == {"neutral": 1099, "happiness": 947, "sadness": 608, "anger": 289}
    assert sum(found.values()) == 2943


# M3ED.


def check_m3ed(segments):
    chosen = M3edSettings()
    assert chosen.select_on == "wf1"
    labels = m3ed.labels_of(chosen, segments)
    assert labels == (*SIX, "surprise")
    (fold,) = m3ed.folds_of(segments, chosen)
    assert fold.name == "official"
    split_of = {s.id: s.split for s in segments}
    for split, examples in splits_of(fold).items():
        assert set(ids(examples)) == {id for id, named in split_of.items() if named == split}
    return fold, labels


def test_m3ed(tmp_path):
    m3ed_copies.tiny(tmp_path)
    segments = m3ed_manifest.read(tmp_path).segments
    check_m3ed(segments)
    moved = dataclasses.replace(segments[0], id="moved", split="test")
    assert segments[0].split != "test"
    with pytest.raises(ValueError, match="one split alone"):
        m3ed.folds_of([*segments, moved], M3edSettings())


@pytest.mark.slow
def test_m3ed_of_published_size(tmp_path):
    m3ed_copies.full(tmp_path)
    fold, labels = check_m3ed(m3ed_manifest.read(tmp_path).segments)
    table = {
        split: [classes(examples, labels)[label] for label in labels]
        for split, examples in splits_of(fold).items()
    }
    # Anger, disgust, fear, happiness, neutral, sadness, surprise.
    assert table == {
        "train": [3814, 1145, 280, 1625, 7126, 2734, 696],
        "validation": [681, 134, 50, 303, 1042, 489, 120],
        "test": [736, 218, 65, 358, 1853, 734, 234],
    }
    assert [sum(table[split]) for split in table] == [17420, 2819, 4198]


# DAIC-WOZ.


@pytest.fixture(scope="module")
def tiny_daic_woz(tmp_path_factory):
    folder = tmp_path_factory.mktemp("daic_woz")
    daic_woz_copies.tiny(folder)
    return daic_woz_manifest.read(folder).segments


def people(counts, split="train"):
    """Participants with so many utterances each, 1 s, 2 s, ... long, in an order of their own."""
    rng = np.random.default_rng(0)
    found = []
    for number, (label, count) in enumerate(counts):
        name, begin = f"{split}{number}", 0.0
        for row, length in enumerate(rng.permutation(count) + 1):
            about = {"start": begin, "end": begin + length, "split": split, "path": f"{name}.wav"}
            found.append(segment(f"{name}_{row}", label, name, **about))
            begin += length + 0.5
    return found


@pytest.fixture(scope="module")
def interviews():
    counts = [("0", 60), ("1", 60), ("0", 30), ("1", 20), ("0", 10), ("1", 50)]
    splits = {"train": counts, "validation": counts, "test": counts}
    return [s for split, found in splits.items() for s in people(found, split)]


def lengths(examples):
    """Seconds of each participant's utterances, in their order."""
    found = {}
    for example in examples:
        for s in example.segments:
            found.setdefault(example.speaker, []).append(round(s.end - s.start))
    return found


def check_daic_woz(segments, chosen):
    (fold,) = daic_woz.folds_of(segments, chosen)
    assert fold.name == "official"
    assert list(fold.tests) == ["dev", "test"]
    # The official splits, but for the training participants that validate.
    split_of = {s.speaker: s.split for s in segments}
    named = {"train": "train", "validation": "train", "dev": "validation", "test": "test"}
    for split, examples in splits_of(fold).items():
        assert {split_of[speaker] for speaker in speakers(examples)} == {named[split]}
        assert all(example.decision == example.speaker for example in examples)
    assert set().union(*(speakers(e) for e in splits_of(fold).values())) == set(split_of)
    return fold


def test_daic_woz_longest_utterances(interviews):
    chosen = DaicWozSettings()
    assert (chosen.unit, chosen.utterances, chosen.select_on) == ("utterance", 26, "macro_f1")
    fold = check_daic_woz(interviews, chosen)
    of = {s.id: s for s in interviews}
    for examples in splits_of(fold).values():
        for speaker, found in lengths(examples).items():
            there = sum(s.speaker == speaker for s in interviews)
            # As many of everybody, whatever the label; or all there are.
            assert sorted(found) == list(range(max(1, there - 25), there + 1))
        assert ids(examples) == [e.segments[0].id for e in examples]
        assert all(e.segments == (of[e.id],) for e in examples)
        assert ids(examples) == [s.id for s in interviews if s.id in set(ids(examples))]
    assert daic_woz.notes_of(chosen) == ()


def test_daic_woz_equally_long_utterances():
    # Times that floating-point numbers hold exactly.
    same = [segment(f"p_{i}", "1", "p", path="p", start=i, end=i + 0.5) for i in range(5)]
    examples = daic_woz.examples_of(
        same[::-1], Classes(("depressed", "not depressed")), DaicWozSettings(utterances=2)
    )
    assert ids(examples) == ["p_0", "p_1"]


def test_daic_woz_label_dependent_selection(interviews):
    chosen = DaicWozSettings(selection="label_dependent_leaky")
    assert chosen.utterances is None
    (note,) = daic_woz.notes_of(chosen)
    assert note.startswith("leaky: ")
    fold = check_daic_woz(interviews, chosen)
    label_of = {s.speaker: s.label for s in interviews}
    for examples in splits_of(fold).values():
        for speaker, found in lengths(examples).items():
            there = sum(s.speaker == speaker for s in interviews)
            number = min(there, {"0": 18, "1": 46}[label_of[speaker]])
            assert sorted(found) == list(range(there - number + 1, there + 1))


@pytest.mark.parametrize("utterances", [None, 5])
def test_daic_woz_interviews(interviews, utterances):
    given = {} if utterances is None else {"utterances": utterances}
    chosen = DaicWozSettings(backbone="haffformer", **given)
    assert (chosen.unit, chosen.utterances) == ("interview", utterances)
    fold = check_daic_woz(interviews, chosen)
    for examples in splits_of(fold).values():
        assert ids(examples) == list(dict.fromkeys(e.speaker for e in examples))
        for example in examples:
            starts = [s.start for s in example.segments]
            assert starts == sorted(starts)
            there = sum(s.speaker == example.speaker for s in interviews)
            assert len(starts) == min(there, utterances or there)


def test_daic_woz_settings():
    assert DaicWozSettings(unit="interview").utterances is None
    assert DaicWozSettings(backbone="haffformer", unit="utterance").utterances == 26
    assert DaicWozSettings(utterances=None).utterances is None
    for chosen in (
        DaicWozSettings(),
        DaicWozSettings(backbone="haffformer"),
        DaicWozSettings(selection="label_dependent_leaky"),
    ):
        assert DaicWozSettings(**chosen.model_dump()) == chosen
    with pytest.raises(pydantic.ValidationError, match="selection=label_dependent_leaky"):
        DaicWozSettings(selection="label_dependent_leaky", utterances=10)
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 1"):
        DaicWozSettings(utterances=0)


def test_daic_woz_copy(tiny_daic_woz):
    assert daic_woz.labels_of(DaicWozSettings(), []) == ("depressed", "not depressed")
    fold = check_daic_woz(tiny_daic_woz, DaicWozSettings())
    assert {e.label for e in fold.validation} == {e.label for e in fold.train} == {0, 1}
    turned = check_daic_woz(tiny_daic_woz[::-1], DaicWozSettings())
    assert speakers(turned.validation) == speakers(fold.validation)
    chosen = {
        frozenset(speakers(daic_woz.folds_of(tiny_daic_woz, DaicWozSettings(seed=s))[0].validation))
        for s in range(5)
    }
    assert len(chosen) > 1


def test_daic_woz_with_too_few_participants(tiny_daic_woz):
    fewer = [s for s in tiny_daic_woz if s.split != "train" or s.label == "0"]
    with pytest.raises(ValueError, match="two participants of each class.*0 depressed, 6 not"):
        daic_woz.folds_of(fewer, DaicWozSettings())
    first = next(s for s in tiny_daic_woz if s.split == "test")
    both = dataclasses.replace(first, id="x", label="01"[first.label == "0"])
    with pytest.raises(ValueError, match=f"'{first.speaker}' with 0, 1"):
        daic_woz.folds_of([*tiny_daic_woz, both], DaicWozSettings())


@pytest.mark.slow
def test_daic_woz_of_published_size(tmp_path):
    daic_woz_copies.full(tmp_path)
    fold = check_daic_woz(daic_woz_manifest.read(tmp_path).segments, DaicWozSettings())
    table = {}
    for split, examples in splits_of(fold).items():
        label_of = {example.speaker: example.label for example in examples}
        table[split] = (len(label_of), list(label_of.values()).count(0))
    # 107 with 31 depressed, in the ratio of 4 to 1; 35 with 12; 47 with as many as the copy makes.
    depressed = daic_woz_copies.DEPRESSED["test"]
    assert table == {"train": (86, 25), "validation": (21, 6), "dev": (35, 12)} | {
        "test": (47, depressed)
    }


# EmoDB and CREMA-D themselves.


@pytest.fixture(scope="module")
def real_emodb(shared_data):
    return emodb_manifest.read(shared_data / "emodb").segments


@pytest.mark.parametrize(("number", "labels", "clips"), [(7, SEVEN, 535), (4, FOUR, 339)])
def test_emodb(real_emodb, number, labels, clips):
    chosen = EmodbSettings(classes=number)
    assert emodb.labels_of(chosen, real_emodb) == labels
    used = [s for s in real_emodb if s.label in labels]
    assert len(used) == clips
    folds = emodb.folds_of(real_emodb, chosen)
    same_tests(folds, used, [s.speaker for s in used])
    # Women: 08 09 13 14 16. Men: 03 10 11 12 15.
    assert {fold.name: sorted(speakers(fold.validation)) for fold in folds} == {
        **{"03": ["08", "10"], "08": ["09", "10"], "09": ["10", "13"], "10": ["11", "13"]},
        **{"11": ["12", "13"], "12": ["13", "15"], "13": ["14", "15"], "14": ["15", "16"]},
        **{"15": ["03", "16"], "16": ["03", "08"]},
    }
    for fold in folds:
        for examples in splits_of(fold).values():
            label_of = {s.id: s.label for s in used}
            assert all(labels[e.label] == label_of[e.id] for e in examples)


def test_emodb_with_few_speakers(real_emodb):
    women = [s for s in real_emodb if s.speaker in ("08", "09", "13")]
    folds = emodb.folds_of(women, EmodbSettings())
    assert [speakers(fold.validation) for fold in folds] == [{"09"}, {"13"}, {"08"}]
    with pytest.raises(ValueError, match="without any for 'train'"):
        emodb.folds_of([s for s in women if s.speaker != "08"], EmodbSettings())


@pytest.mark.parametrize(("number", "labels", "clips"), [(6, SIX, 7435), (4, FOUR, 4895)])
def test_crema_d(shared_data, number, labels, clips):
    segments = crema_d_manifest.read(shared_data / "crema_d").segments
    chosen = CremaDSettings(classes=number)
    assert crema_d.labels_of(chosen, segments) == labels
    used = [s for s in segments if s.label in labels]
    # By the corpus's own table.
    with (shared_data / "crema_d" / "crema_d.csv").open(encoding="utf-8") as file:
        wanted = {
            row["path"]
            for row in csv.DictReader(file)
            if row["emotion"] in labels and PurePath(row["path"]).stem not in crema_d_copies.FLAGGED
        }
    assert {s.path for s in used} == wanted
    assert len(used) == clips
    folds = crema_d.folds_of(segments, chosen)
    same_tests(folds, used, [s.fold for s in used])
    reference = PredefinedSplit([int(s.fold) for s in used])
    for i, (rest, _) in enumerate(reference.split()):
        following = str((i + 1) % 5 + 1)
        wanted = [used[k].id for k in rest if used[k].fold != following]
        assert sorted(ids(folds[i].train)) == sorted(wanted)
        assert {e.segments[0].fold for e in folds[i].validation} == {following}


# A corpus of one's own.


def corpus(speaking, per_speaker=4, labels=("angry", "Happy"), **about):
    return [
        segment(f"{name}{i}", labels[i % len(labels)], name, **about)
        for name in speaking
        for i in range(per_speaker)
    ]


def test_custom_labels():
    segments = corpus("abc", labels=("angry", "hap", "wistful", "0"))
    assert custom.task_of(CustomSettings(), segments).names == (
        "0",
        "anger",
        "happiness",
        "wistful",
    )
    chosen = CustomSettings(labels=["Wistful", "ang", 0])
    assert custom.task_of(chosen, segments).names == ("0", "anger", "wistful")
    for fold in custom.folds_of(segments, chosen):
        assert all(e.segments[0].label != "hap" for e in fold.train)
    with pytest.raises(ValueError, match="0, anger, happiness, wistful. Received: boredom, fear"):
        custom.task_of(CustomSettings(labels=["fear", "bored", "0"]), segments)
    with pytest.raises(ValueError, match="two classes. Received: anger"):
        custom.task_of(CustomSettings(labels=["ang", "angry"]), segments)
    with pytest.raises(ValueError, match="two classes. Received: 0"):
        custom.task_of(CustomSettings(), corpus("abc", labels=("0",)))


def test_custom_split():
    segments = corpus("abcdefg", split="train") + corpus("vw", split="validation")
    segments += corpus("xyz", split="test")
    (fold,) = custom.folds_of(segments, CustomSettings())
    assert fold.name == "official"
    assert {p: speakers(e) for p, e in splits_of(fold).items()} == {
        **{"train": set("abcdefg"), "validation": set("vw"), "test": set("xyz")}
    }
    without = [s for s in segments if s.split != "validation"]
    (fold,) = custom.folds_of(without, CustomSettings())
    assert (len(speakers(fold.train)), len(speakers(fold.validation))) in {(5, 2), (6, 1)}
    assert speakers(fold.train) | speakers(fold.validation) == set("abcdefg")
    assert speakers(fold.tests["test"]) == set("xyz")
    with pytest.raises(ValueError, match="no clips of the chosen labels for test"):
        custom.folds_of([s for s in segments if s.split != "test"], CustomSettings())
    with pytest.raises(ValueError, match="2 of 42 without, the first of them 'new0'"):
        new = corpus(["new"], per_speaker=2)
        custom.folds_of(
            [*corpus("abcdefg", split="train"), *corpus("xyz", split="test"), *new],
            CustomSettings(),
        )
    with pytest.raises(ValueError, match="2 speakers"):
        custom.folds_of(corpus("a", split="train") + corpus("b", split="test"), CustomSettings())


def test_the_only_speaker_of_a_class_trains():
    segments = corpus("abcde", split="train") + corpus("xy", split="test")
    segments += corpus("c", per_speaker=9, labels=("rare",), split="train")
    segments = [dataclasses.replace(s, id=str(i)) for i, s in enumerate(segments)]
    for seed in range(10):
        (fold,) = custom.folds_of(segments, CustomSettings(seed=seed))
        assert "c" in speakers(fold.train)


def test_custom_folds():
    segments = [s for i in range(1, 11) for s in corpus([f"s{i}"], fold=f"part {i}")]
    folds = custom.folds_of(segments, CustomSettings())
    # Ten comes after nine.
    assert [fold.name for fold in folds] == [f"part {i}" for i in range(1, 11)]
    assert [speakers(fold.validation) for fold in folds] == [
        *({f"s{i}"} for i in range(2, 11)),
        {"s1"},
    ]
    with pytest.raises(ValueError, match="at least three folds.*Received: part 1, part 2"):
        custom.folds_of(segments[:8], CustomSettings())
    with pytest.raises(ValueError, match="All clips must have a fold, or none"):
        custom.folds_of([*segments, segment("x", "sad", "x")], CustomSettings())
    with pytest.raises(ValueError, match="one split alone.*'s1'"):
        custom.folds_of(
            [*segments, *corpus(["s1"], per_speaker=9, fold="part 7")], CustomSettings()
        )
    with pytest.raises(ValueError, match="no clips of sadness for the training of fold 'part 2'"):
        custom.folds_of([*segments, segment("x", "sad", "s3", fold="part 3")], CustomSettings())


@pytest.mark.parametrize(("count", "folds"), [(3, 3), (4, 4), (5, 5), (12, 5)])
def test_custom_without_splits(count, folds):
    segments = corpus([f"s{i}" for i in range(count)])
    found = custom.folds_of(segments, CustomSettings())
    assert [fold.name for fold in found] == [str(i + 1) for i in range(folds)]
    with pytest.raises(ValueError, match="at least 3 speakers.*Received: 2 speakers, 8 clips"):
        custom.folds_of(corpus("ab"), CustomSettings())


def test_a_part_that_scikit_learn_leaves_empty():
    """Found by a search: scikit-learn gives none of these five speakers to one of five parts."""
    speaking = "0123440021113111420022414"
    labels = "1121120121221212220022222"
    examples = examples_of(
        [segment(f"{i:02}", labels[i], speaking[i]) for i in range(25)], Classes(("0", "1", "2"))
    )
    parts = deal(examples, Classes(("0", "1", "2")), least=3, seed=863)
    assert [len(speakers(part)) for part in parts] == [1] * 5
    assert sorted(e for part in parts for e in ids(part)) == ids(examples)


@st.composite
def manifests(draw):
    """Clips of some speakers, with a split, with folds, or with neither; most are usable."""
    speaking = draw(st.permutations([f"s{i}" for i in range(draw(st.integers(2, 9)))]))
    column, splits = draw(
        st.sampled_from(
            [
                ("split", ("train", "test", "train", "validation")),
                ("split", ("train", "test", "train")),
                ("fold", ("1", "2", "3", "10")),
                ("fold", ("",)),
            ]
        )
    )
    split_of = {name: splits[i % len(splits)] for i, name in enumerate(speaking)}
    rows = [(name, label) for name in speaking for label in ("ang", "sad")]
    some = st.tuples(st.sampled_from(speaking), st.sampled_from(["ang", "anger", "sad"]))
    rows += draw(st.lists(some, max_size=20))
    # Now and then a class that few have, or less than both classes.
    rows += draw(st.lists(st.tuples(st.sampled_from(speaking), st.just("2")), max_size=3))
    rows = rows[draw(st.integers(0, 5)) :]
    return [
        segment(f"{i:02}", label, name, **{column: split_of[name]})
        for i, (name, label) in enumerate(rows)
    ]


@settings(max_examples=300, deadline=None)
@given(manifests(), st.integers(0, 2**32 - 1))
def test_any_corpus_gives_honest_folds_or_an_error(segments, seed):
    chosen = CustomSettings(seed=seed)
    try:
        folds = custom.folds_of(segments, chosen)
    except ValueError as error:
        assert "Received: " in str(error)
        return
    labels = custom.task_of(chosen, segments).names
    tested = Counter()
    for fold in folds:
        splits = splits_of(fold)
        for name, examples in splits.items():
            assert examples
            for other in splits.keys() - {name}:
                assert not speakers(examples) & speakers(splits[other])
        assert {e.label for e in fold.train} == set(range(len(labels)))
        tested.update(ids(fold.tests["test"]))
        used = [id for examples in splits.values() for id in ids(examples)]
        assert sorted(used) == [s.id for s in segments]
    assert max(tested.values()) == 1
    if not segments[0].split:
        assert set(tested) == {s.id for s in segments}
    assert custom.folds_of(list(segments), chosen) == folds
    turned = custom.folds_of(segments[::-1], chosen)
    assert [speakers(f.validation) for f in turned] == [speakers(f.validation) for f in folds]


# Imports.


@pytest.mark.slow
def test_protocols_need_no_keras(run_python):
    names = ("iemocap", "m3ed", "daic_woz", "emodb", "crema_d", "custom")
    modules = [f"recipes.{name}.{module}" for name in names for module in ("settings", "protocol")]
    code = f"import sys, {', '.join(modules)}; print({{'keras', 'tensorflow'}} & {{*sys.modules}})"
    done = run_python("-c", code)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
