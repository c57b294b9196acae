"""Everything that is done to the clips: the one list."""

from collections.abc import Callable, Sequence

import numpy as np

from recipes.common.perturbations import codecs, filters, level, noise, room, telephone, timing
from recipes.robustness.condition import Condition
from recipes.robustness.marks import Family
from recipes.robustness.scene import Scene

# What is heard, how far below the clip, and how it is placed: throughout, or somewhere.
_RECORDED = {
    "environment": ("a recording of an environment", 20, noise.stretch),
    "music": ("recorded music", 20, noise.stretch),
    "cough": ("a recorded cough somewhere", 10, noise.event),
    "sneeze": ("a recorded sneeze somewhere", 10, noise.event),
}
RECORDINGS = tuple(_RECORDED)
# Samples, as the field's list has them, whatever the rate.
_FEW = (100, 500, 1000)
_RT60 = 0.4


def _small() -> list[Condition]:
    """As `robustness_small_changes` of ser-tests: what varies is drawn anew for every clip."""
    few = "100, 500 or 1000"

    def one(name: str, what: str, apply: Callable, **needs) -> Condition:
        return Condition(name=name, family="small", what=what, apply=apply, **needs)

    return [
        one(
            "tone",
            "a tone of 5 to 7 kHz, its peak 40, 45 or 50 dB below the clip's",
            lambda x, s: noise.add_tone(
                x,
                s.rate,
                s.rng,
                frequency=s.rng.uniform(5000, 7000),
                peak_decibels=s.rng.choice((40, 45, 50)),
            ),
            least_rate=14100,
        ),
        one(
            "zeros-before",
            f"{few} zeros before the clip",
            lambda x, s: timing.add_zeros(x, before=s.rng.choice(_FEW)),
        ),
        one(
            "zeros-after",
            f"{few} zeros after the clip",
            lambda x, s: timing.add_zeros(x, after=s.rng.choice(_FEW)),
        ),
        one(
            "cut-begin",
            f"the first {few} samples cut off",
            lambda x, s: timing.cut(x, begin=s.rng.choice(_FEW)),
        ),
        one(
            "cut-end",
            f"the last {few} samples cut off",
            lambda x, s: timing.cut(x, end=s.rng.choice(_FEW)),
        ),
        one(
            "clipping",
            "0.1, 0.2 or 0.3 % of the samples clipped",
            lambda x, s: level.clip_share(x, s.rng.choice((0.001, 0.002, 0.003))),
        ),
        one(
            "gain",
            "a gain of -2, -1, 1 or 2 dB",
            lambda x, s: level.gain(x, s.rng.choice((-2, -1, 1, 2))),
        ),
        one(
            "high-pass",
            "high-pass of 50, 100 or 150 Hz, 1st order",
            lambda x, s: filters.high_pass(x, s.rate, cutoff=s.rng.choice((50, 100, 150))),
        ),
        one(
            "low-pass",
            "low-pass of 7.5, 7 or 6.5 kHz, 1st order",
            lambda x, s: filters.low_pass(x, s.rate, cutoff=s.rng.choice((7500, 7000, 6500))),
            least_rate=15100,
        ),
        one(
            "white-faint",
            "white noise 35, 40 or 45 dB below the clip",
            lambda x, s: _with(noise.white(len(x), s.rng), x, s.rng.choice((35, 40, 45))),
        ),
    ]


def _background() -> list[Condition]:
    babble = Condition(
        name="babble",
        family="background",
        what="4 to 7 clips of other speakers at once, 20 dB below the clip",
        apply=lambda x, s: _with(
            noise.babble(len(x), s.voices(s.rng.integers(4, 8)), s.rng), x, 20
        ),
        others=True,
    )
    return [babble, _noise("white", 20, "background"), *map(_recorded, RECORDINGS)]


def _recorded(kind: str) -> Condition:
    what, decibels, placed = _RECORDED[kind]
    return Condition(
        name=kind,
        family="background",
        what=f"{what}, {decibels} dB below the clip",
        apply=lambda x, s: _with(placed(len(x), s.recording(kind), s.rng), x, decibels),
        recordings=kind,
    )


def _channel() -> list[Condition]:
    return [
        Condition(
            name="telephone",
            family="telephone",
            what="compressor, AMR-NB at 7.4 kb/s, pink noise above 3 kHz",
            apply=lambda x, s: telephone.low_quality(x, s.rate, s.rng),
            codec="amr_nb",
            least_rate=8000,
        ),
        Condition(
            name="tilt-up",
            family="tilt",
            what="gain proportional to the frequency, level kept",
            apply=lambda x, s: filters.tilt(x, s.rate, "up"),
        ),
        Condition(
            name="tilt-down",
            family="tilt",
            what="gain falling in a line to 0 at half the sample rate, level kept",
            apply=lambda x, s: filters.tilt(x, s.rate, "down"),
        ),
        Condition(
            name="room",
            family="rooms",
            what="synthetic room, RT60 0.4 s, direct : reverb 0 dB",
            apply=lambda x, s: _in_room(x, s, 0),
        ),
        Condition(
            name="position",
            family="rooms",
            what="synthetic room, RT60 0.4 s, direct : reverb 10, 5 or -5 dB",
            apply=lambda x, s: _in_room(x, s, s.rng.choice((10, 5, -5))),
        ),
    ]


def _gain(decibels: int, family: Family) -> Condition:
    return Condition(
        name=f"gain{decibels:+d}",
        family=family,
        what=f"a gain of {decibels:+d} dB, clipped at full scale",
        apply=lambda x, s: level.gain(x, decibels),
    )


def _noise(name: str, decibels: int, family: Family) -> Condition:
    color = name.partition("-")[0]
    return Condition(
        name=name,
        family=family,
        what=f"{color} noise, {decibels} dB below the clip",
        apply=lambda x, s: _with(getattr(noise, color)(len(x), s.rng), x, decibels),
    )


def _offset(offset: float, family: Family) -> Condition:
    return Condition(
        name=f"offset-{offset:g}",
        family=family,
        what=f"a DC offset of {offset:g} of full scale",
        apply=lambda x, s: level.add_offset(x, offset),
    )


def _harder() -> list[Condition]:
    return [
        _gain(-20, "level"),
        _gain(12, "level"),
        _offset(0.02, "offset"),
        Condition(
            name="silence-before",
            family="offset",
            what="2 s of zeros before the clip",
            apply=lambda x, s: timing.add_zeros(x, before=2 * s.rate),
        ),
        Condition(
            name="silence-after",
            family="offset",
            what="2 s of zeros after the clip",
            apply=lambda x, s: timing.add_zeros(x, after=2 * s.rate),
        ),
        Condition(
            name="noise-around",
            family="around",
            what="2 s of white noise at -60 dBFS before and after the clip",
            apply=lambda x, s: timing.add_noise_around(
                x, s.rng, before=2 * s.rate, after=2 * s.rate, decibels=-60
            ),
        ),
        Condition(
            name="hum",
            family="around",
            what="a hum of 50 Hz, 20 dB below the clip",
            apply=lambda x, s: _with(noise.hum(len(x), s.rate, s.rng), x, 20),
        ),
        _noise("pink-20", 20, "around"),
    ]


def _further() -> list[Condition]:
    return [
        _gain(-10, "further"),
        _gain(-30, "further"),
        _gain(6, "further"),
        _offset(0.01, "further"),
        _noise("white-10", 10, "further"),
        _noise("white-5", 5, "further"),
        _noise("pink-10", 10, "further"),
        Condition(
            name="mu-law",
            family="further",
            what="300 to 3400 Hz at 8 kHz in mu-law",
            apply=lambda x, s: telephone.mu_law_line(x, s.rate),
            least_rate=8000,
        ),
        Condition(
            name="8khz",
            family="further",
            what="at 8 kHz and back",
            apply=lambda x, s: codecs.narrow(x, s.rate, through=8000),
            least_rate=8001,
        ),
        *(_low_cut(cutoff) for cutoff in (80, 150, 300)),
        _codec("amr_nb", 12200, "AMR-NB"),
        _codec("mp3", 32000, "MP3"),
        _codec("mp3", 16000, "MP3"),
        _codec("opus", 16000, "Opus"),
        _codec("opus", 8000, "Opus"),
    ]


def _low_cut(cutoff: int) -> Condition:
    return Condition(
        name=f"low-cut-{cutoff}",
        family="further",
        what=f"high-pass of {cutoff} Hz, 2nd order",
        apply=lambda x, s: filters.high_pass(x, s.rate, cutoff=cutoff, order=2),
    )


def _codec(codec: codecs.Codec, bits: int, title: str) -> Condition:
    return Condition(
        name=f"{title.lower()}-{bits / 1000:g}",
        family="further",
        what=f"{title} at {bits / 1000:g} kb/s",
        apply=lambda x, s: codecs.encode(x, s.rate, codec, bits=bits),
        codec=codec,
        least_rate=8000,
    )


def _with(added: np.ndarray, samples: np.ndarray, decibels: float) -> np.ndarray:
    return noise.add(samples, added, decibels)


def _in_room(samples: np.ndarray, scene: Scene, direct_to_reverb: float) -> np.ndarray:
    response = room.impulse_response(
        scene.rate, scene.rng, rt60=_RT60, direct_to_reverb=direct_to_reverb
    )
    return room.reverberate(samples, response)


CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in [*_small(), *_background(), *_channel(), *_harder(), *_further()]
}
# What is held against marks without any change of the clips.
CLEAN_TESTS: tuple[Family, ...] = ("correctness", "distribution", "sex")
# A model that gets worse by any of the known weaknesses shows it in one of these.
SHORT = (
    *("correctness", "gain", "zeros-before", "white", "tilt-up", "room", "gain-20", "gain+12"),
    *("offset-0.02", "silence-after", "noise-around", "mu-law"),
)


def chosen(names: Sequence[str] | None) -> tuple[list[Condition], list[Family]]:
    """The conditions and the tests of unchanged clips that these names mean, in their own order.

    Args:
        names: Of tests or families; `None`: all.

    Raises:
        ValueError: If a name means none.
    """
    if names is None:
        return list(CONDITIONS.values()), list(CLEAN_TESTS)
    families = {condition.family for condition in CONDITIONS.values()}
    unknown = [name for name in names if name not in {*families, *CONDITIONS, *CLEAN_TESTS}]
    if unknown or not names:
        raise ValueError(
            f"`--tests` must name some of {', '.join([*sorted(families), *CLEAN_TESTS])} "
            f"(families), {', '.join(CONDITIONS)}. Received: {', '.join(unknown) or 'none'}"
        )
    conditions = [c for c in CONDITIONS.values() if c.name in names or c.family in names]
    return conditions, [test for test in CLEAN_TESTS if test in names]
