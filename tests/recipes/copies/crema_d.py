"""A made-up copy of CREMA-D: its layout and names, no voice of anybody."""

from tests.recipes.copies.audio import wav

SENTENCES = ("DFA", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
# What was never recorded, or got lost.
MISSING = {
    *(f"1008_WSI_{emotion}_XX" for emotion in EMOTIONS),
    *(f"1009_MTI_{emotion}_XX" for emotion in EMOTIONS),
    *(f"1019_ITH_{emotion}_XX" for emotion in EMOTIONS),
    *("1002_TIE_NEU_XX", "1076_ITS_NEU_XX"),
}
FLAGGED = {
    *("1006_TIE_HAP_XX", "1006_TIE_NEU_XX", "1013_WSI_DIS_XX", "1013_WSI_SAD_XX"),
    *("1017_IWW_ANG_XX", "1017_IWW_FEA_XX", "1076_MTI_SAD_XX"),
}


def names(actors=range(1001, 1092)):
    """Names of all clips of some actors, as published."""
    found = set()
    for actor in actors:
        found |= {f"{actor}_{s}_{emotion}_XX" for s in SENTENCES for emotion in EMOTIONS}
        found |= {
            f"{actor}_IEO_{emotion}_{level}"
            for emotion in EMOTIONS
            for level in (("XX",) if emotion == "NEU" else ("HI", "LO", "MD"))
        }
    return found - MISSING


def tiny(folder, sub="AudioWAV"):
    """Three actors, two of them with flagged clips. Returns the names of all clips."""
    return _write(folder / sub, names((1005, 1006, 1076)))


def full(folder, sub="AudioWAV"):
    """All 7,442."""
    return _write(folder / sub, names())


def vote_table(folder, clips):
    """The crowd's votes as published: of the voice alone, the face alone, and both."""
    path = folder / "processedResults" / "tabulatedVotes.csv"
    path.parent.mkdir()
    lines = ['"","A","D","F","H","N","S","fileName","numResponses"']
    for modality in (1, 2, 3):
        for n, clip in enumerate(sorted(clips), 1):
            acted = EMOTIONS.index(clip.split("_")[2])
            votes = [modality + 3 * (i == acted) if i in (acted, n % 6) else 0 for i in range(6)]
            counts = ",".join(map(str, votes))
            lines.append(f'"{100_000 * modality + n}",{counts},"{clip}",{sum(votes)}')
    path.write_text("\n".join(lines) + "\n")
    return path


def _write(folder, clips):
    folder.mkdir(parents=True)
    (folder / "._1001_DFA_ANG_XX.wav").write_bytes(b"\0\5\26\7Mac OS X")
    for name in clips:
        # So that one is called in the corpus.
        file = "1040_ITH_SAD_X" if name == "1040_ITH_SAD_XX" else name
        (folder / f"{file}.wav").write_bytes(wav(200))
    return clips
