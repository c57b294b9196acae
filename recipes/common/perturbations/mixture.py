"""Several perturbations at once, as chance has it: what training hears of a clip."""

from collections.abc import Callable, Mapping

import numpy as np

from recipes.common.perturbations import filters, level, noise, room, suppression, telephone, timing

Voices = Callable[[int], list[np.ndarray]]
_Change = Callable[[np.ndarray, int, np.random.Generator, Voices], np.ndarray]

# Hertz of the equalizer's bands, an octave apart.
_BANDS = (125, 250, 500, 1000, 2000, 4000, 8000)


def degraded(
    samples: np.ndarray,
    rate: int,
    rng: np.random.Generator,
    chances: Mapping[str, float],
    voices: Voices,
) -> np.ndarray:
    """The samples after some of `CHANGES`, in their order: from the mouth to the file.

    What one of them draws does not depend on the others, so that what each is worth can be told.

    Args:
        samples: The samples.
        rate: Samples per second.
        rng: Draws which changes, and how much.
        chances: Of each change by its name, from 0 to 1; of one that is not named 0.
        voices: `voices(count)` gives clips of so many other people.
    """
    for (name, change), own in zip(CHANGES.items(), rng.spawn(len(CHANGES)), strict=True):
        if own.random() < chances.get(name, 0):
            samples = change(samples, rate, own, voices)
    return samples


def _cut(samples, rate, rng, voices):
    """Up to 0.1 s off either end: frames begin at other samples."""
    begin, end = (int(rng.uniform(0, 0.1) * rate) for _ in range(2))
    # Of the shortest clips some is left.
    return samples[begin : len(samples) - end] if len(samples) > 2 * (begin + end) else samples


def _silence(samples, rate, rng, voices):
    """Up to 2 s before and after: zeros, or noise of -70 to -45 dBFS."""
    before, after = (int(rng.uniform(0, 2) * rate) for _ in range(2))
    if rng.random() < 0.5:
        return timing.add_zeros(samples, before=before, after=after)
    return timing.add_noise_around(
        samples, rng, before=before, after=after, decibels=rng.uniform(-70, -45)
    )


def _room(samples, rate, rng, voices):
    """RT60 of 0.2 to 0.8 s; direct sound 0 to 15 dB above the reverberation."""
    response = room.impulse_response(
        rate, rng, rt60=rng.uniform(0.2, 0.8), direct_to_reverb=rng.uniform(0, 15)
    )
    return room.reverberate(samples, response)


def _babble(samples, rate, rng, voices):
    """Four to seven others, 5 to 25 dB below."""
    heard = noise.babble(len(samples), voices(int(rng.integers(4, 8))), rng)
    return noise.add(samples, heard, rng.uniform(5, 25))


def _noise(samples, rate, rng, voices):
    """White, pink or of the mains, 10 to 35 dB below; or a faint tone of 3 to 7.5 kHz."""
    kind = rng.choice(["white", "pink", "hum", "tone"], p=[0.3, 0.3, 0.2, 0.2])
    if kind == "tone":
        frequency, decibels = rng.uniform(3000, 7500), rng.uniform(30, 55)
        return noise.add_tone(samples, rate, rng, frequency=frequency, peak_decibels=decibels)
    if kind == "hum":
        heard = noise.hum(len(samples), rate, rng, frequency=float(rng.choice([50, 60])))
    else:
        heard = getattr(noise, kind)(len(samples), rng)
    return noise.add(samples, heard, rng.uniform(10, 35))


def _suppression(samples, rate, rng, voices):
    """Of what noise there is by now, by up to 10 to 30 dB."""
    return suppression.suppress(samples, rate, decibels=rng.uniform(10, 30))


def _equalizer(samples, rate, rng, voices):
    """Seven bands by up to 6 dB each, or a spectrum tilted up or down."""
    kind = rng.choice(["bands", "up", "down"], p=[0.5, 0.25, 0.25])
    if kind == "bands":
        decibels = rng.uniform(-6, 6, len(_BANDS))
        return filters.equalize(samples, rate, frequencies=_BANDS, decibels=decibels)
    return filters.tilt(samples, rate, kind)


def _band(samples, rate, rng, voices):
    """A telephone line of two kinds, 100 to 6500 Hz, or a low cut at 80 to 300 Hz."""
    kind = rng.choice(["line", "mu-law", "wide", "cut"])
    if kind == "line":
        return telephone.low_quality(samples, rate, rng, encoded=False)
    if kind == "mu-law":
        return telephone.mu_law_line(samples, rate)
    if kind == "wide":
        return filters.band_pass(samples, rate, low=100, high=6500)
    return filters.high_pass(samples, rate, cutoff=rng.uniform(80, 300), order=2)


def _clipping(samples, rate, rng, voices):
    """Up to 1 % of the samples."""
    return level.clip_share(samples, rng.uniform(0, 0.01))


def _gain(samples, rate, rng, voices):
    """30 dB softer to 10 dB louder; what is beyond full scale is clipped in the file."""
    return level.gain(samples, rng.uniform(-30, 10))


def _offset(samples, rate, rng, voices):
    """Of up to 0.05 of full scale."""
    return level.add_offset(samples, rng.uniform(-0.05, 0.05))


CHANGES: Mapping[str, _Change] = {
    "cut": _cut,
    "silence": _silence,
    "room": _room,
    "babble": _babble,
    "noise": _noise,
    "suppression": _suppression,
    "equalizer": _equalizer,
    "band": _band,
    "clipping": _clipping,
    "gain": _gain,
    "offset": _offset,
}
