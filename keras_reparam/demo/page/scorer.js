import { headOf } from "./heads.js";
import { extent, mix, soundOf, tooShort, windowStarts } from "./sound.js";

/** Files are heard without a pause for the page for so many windows. */
const WINDOWS_AT_ONCE = 20;

/**
 * Results of windows: silence, smoothed scores, unsure. The rules are those of Python's
 * `Classifier` and of Android's library.
 *
 * A result has `state` ("class", "unsure", "values", "silence"), `top` (index of the highest score, -1
 * in silence and of values), `scores` (all zero in silence), `start` and `end` in seconds, `latency` in milliseconds
 * and `skipped`, how many windows before it were left out.
 */
export class Scorer {
  #model;
  #card;
  #smoothing;
  #smoothed = null;

  constructor(model, card, smoothing = card.smoothing) {
    this.#model = model;
    this.#card = card;
    this.#smoothing = smoothing;
  }

  /** Of samples that end at `end`, in samples from the beginning: at most a window of them. */
  async score(samples, end, skipped = 0) {
    const { result } = await this.weighed(samples, end, skipped);
    return result;
  }

  /** A result, and what it weighs in a mean: its valid samples, or 0 in silence. */
  async weighed(samples, end, skipped = 0) {
    const rate = this.#card.sample_rate;
    const sound = soundOf(samples, rate);
    const times = { start: (end - samples.length) / rate, end: end / rate, skipped };
    if (sound.loudest === -Infinity || sound.loudest < this.#card.silence_decibels) {
      this.#smoothed = null;
      const zeros = new Float32Array(this.#card.labels.length);
      return { weight: 0, result: { ...times, ...stateOf(zeros, true, this.#card), latency: 0 } };
    }
    // The model hears it from its first sample on that is not zero.
    const window = new Float32Array(this.#card.window);
    window.set(samples.subarray(sound.first));
    const before = performance.now();
    const scores = this.#smooth(await this.#model.scores(window));
    const latency = performance.now() - before;
    return {
      weight: sound.valid,
      result: { ...times, ...stateOf(scores, false, this.#card), latency },
    };
  }

  /** `(1 - smoothing) * new + smoothing * before`; the first after silence stand as they are. */
  #smooth(scores) {
    const past = this.#smoothed;
    this.#smoothed = past
      ? scores.map((score, i) => (1 - this.#smoothing) * score + this.#smoothing * past[i])
      : scores;
    return this.#smoothed;
  }
}

/**
 * A whole clip: the mean over windows half a window apart from the first sound to the last, weighed
 * by their sound, silent ones left out; as Python's `classify`. `channels` are arrays at the model's rate.
 */
export async function classify(model, card, channels) {
  const samples = mix(channels);
  if (tooShort(samples.length, card.sample_rate)) {
    throw new RangeError("it must last at least 25 ms.");
  }
  const clip = samples.subarray(...extent(samples));
  const starts = windowStarts(clip.length, card.window, card.window >> 1);
  const windows = await scored(new Scorer(model, card, 0), card, clip, starts);
  const heard = windows.filter(({ weight }) => weight > 0);
  const total = heard.reduce((sum, { weight }) => sum + weight, 0);
  const scores = new Float32Array(card.labels.length).map((_, i) =>
    heard.reduce((sum, { weight, result }) => sum + (weight / total) * result.scores[i], 0),
  );
  return {
    ...stateOf(scores, heard.length === 0, card),
    start: 0,
    end: samples.length / card.sample_rate,
    windows: heard.length,
  };
}

/** A clip as if it were spoken: a result each hop, smoothed; as Python's `stream` besides. */
export async function classifyWindows(model, card, channels) {
  const clip = mix(channels);
  const hop = Math.round(card.hop * card.sample_rate);
  // A rest that is too short to say anything is left out.
  const starts = windowStarts(clip.length, card.window, hop).filter(
    (start) => start === 0 || !tooShort(clip.length - start, card.sample_rate),
  );
  const windows = await scored(new Scorer(model, card), card, clip, starts);
  return windows.map(({ result }) => result);
}

async function scored(scorer, card, clip, starts) {
  const found = [];
  for (const start of starts) {
    const samples = clip.subarray(start, start + card.window);
    found.push(await scorer.weighed(samples, start + samples.length));
    if (found.length % WINDOWS_AT_ONCE === 0) await new Promise((done) => setTimeout(done));
  }
  return found;
}

function stateOf(scores, silent, card) {
  if (silent) return { state: "silence", top: -1, scores };
  return { ...headOf(card).answer(scores), scores };
}
