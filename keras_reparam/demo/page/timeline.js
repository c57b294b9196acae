export const SECONDS = 60;

/**
 * What was heard in the last minute of sound; recordings follow one another without their pauses. A
 * band has `from`, `to` (seconds since the first recording began) and `kind`: the index of a class,
 * "unsure", "silence", "values", or "break" between two recordings.
 */
export class Timeline {
  bands = [];
  end = 0;
  #offset = 0;

  clear() {
    this.bands = [];
    this.end = this.#offset = 0;
  }

  /** What comes from now on counts its seconds from here. */
  beginRecording() {
    this.#offset = this.end;
    if (this.bands.length) this.bands.push({ from: this.end, to: this.end, kind: "break" });
  }

  /** Adds what is new in a window: what the ones before it covered keeps its band. */
  add({ state, top, start, end }) {
    const kind = state === "class" ? top : state;
    const from = Math.max(this.#offset + start, this.end);
    const to = this.#offset + end;
    if (to <= from) return;
    const last = this.bands.at(-1);
    if (last && last.kind === kind && from - last.to < 1e-6) last.to = to;
    else this.bands.push({ from, to, kind });
    this.end = to;
    while (this.bands[0].to <= this.end - SECONDS) this.bands.shift();
  }

  /** Seconds of a kind within the last minute. */
  seconds(kind) {
    return this.bands
      .filter((band) => band.kind === kind)
      .reduce((sum, { from, to }) => sum + to - Math.max(from, this.end - SECONDS), 0);
  }
}
