// What of a window is sound, and how loud that is: keras_reparam/audio/windows.py in JavaScript.

const FRAME_SECONDS = 0.025;
// A tenth of a second, a syllable.
const LOUD_FRAMES = 4;
// Half a step of 16 bits, which rounds to the even one: zero.
const ZERO_AT_16_BITS = 2 ** -16;
const MIN_SECONDS = 0.025;
const MIX_LENGTH = 2 ** 14;
// An average that has less of the channels' power than this is what they cancel to.
const CANCELED = 0.05;
const ABOUT_AS_LOUD = 0.5;

const isZero = (sample) => Math.abs(sample) <= ZERO_AT_16_BITS;

/** From the first sample that is not zero at 16 bits up to the last one: [first, end). */
export function extent(samples) {
  let first = 0;
  while (first < samples.length && isZero(samples[first])) first++;
  let end = samples.length;
  while (end > first && isZero(samples[end - 1])) end--;
  return [first, end];
}

/**
 * Of samples: where the first is that is not zero (`first`), how many are in frames of 25 ms that
 * hold not only zeros (`valid`), and the level of the loudest tenth of a second of those (`loudest`,
 * dBFS, the mean taken out).
 */
export function soundOf(samples, sampleRate) {
  const [first, end] = extent(samples);
  const frame = Math.max(1, halfToEven(FRAME_SECONDS * sampleRate));
  const all = new Loudness();
  let block = new Loudness();
  let loudest = null;
  for (let start = first; start < end; start += frame) {
    const part = samples.subarray(start, Math.min(start + frame, end));
    if (part.every(isZero)) continue;
    all.add(part);
    block.add(part);
    if (block.count === LOUD_FRAMES * frame) {
      loudest = Math.max(block.decibels, loudest ?? -Infinity);
      block = new Loudness();
    }
  }
  return { first, valid: all.count, loudest: loudest ?? all.decibels };
}

/** Level of samples without their mean. */
export function decibels(samples) {
  const loudness = new Loudness();
  loudness.add(samples);
  return loudness.decibels;
}

/** Whether samples are too few to say anything of. */
export const tooShort = (count, sampleRate) => count < MIN_SECONDS * sampleRate;

/**
 * Where windows begin: `hop` samples apart, the last one only where there are samples that the one
 * before it does not hold.
 */
export function windowStarts(length, window, hop) {
  const starts = [0];
  while (starts.at(-1) + window < length) starts.push(starts.at(-1) + hop);
  return starts;
}

/** One channel of several: their mean, except where they cancel each other (audio/mono.py). */
export function mix(channels) {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  for (const channel of channels) channel.forEach((value, i) => (mean[i] += value / channels.length));
  for (let start = 0; start < mean.length; start += MIX_LENGTH) {
    const stretch = (samples) => samples.subarray(start, start + MIX_LENGTH);
    const powers = channels.map((channel) => power(stretch(channel)));
    const average = powers.reduce((sum, value) => sum + value, 0) / powers.length;
    if (power(stretch(mean)) < CANCELED * average) {
      const loudest = Math.max(...powers);
      const first = powers.findIndex((value) => value >= ABOUT_AS_LOUD * loudest);
      mean.set(stretch(channels[first]), start);
    }
  }
  return mean;
}

function power(samples) {
  const loudness = new Loudness();
  loudness.add(samples);
  return loudness.power;
}

/** As Python and Kotlin round. */
function halfToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

/** The variance of samples that are added part by part. */
class Loudness {
  count = 0;
  #offset = 0;
  #sum = 0;
  #squares = 0;

  add(samples) {
    // Relative to the first sample: no cancellation where the offset is large.
    if (this.count === 0 && samples.length) this.#offset = samples[0];
    for (const sample of samples) {
      const value = sample - this.#offset;
      this.#sum += value;
      this.#squares += value * value;
    }
    this.count += samples.length;
  }

  get power() {
    if (this.count === 0) return 0;
    const mean = this.#sum / this.count;
    return Math.max(0, this.#squares / this.count - mean * mean);
  }

  get decibels() {
    return 10 * Math.log10(this.power);
  }
}
