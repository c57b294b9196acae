/**
 * Overlapping windows of a stream of samples: `window` samples that begin `hop` samples apart, the
 * first one with the first sample. Memory is allocated once.
 */
export class WindowBuffer {
  /** Where the last window that was taken ends, in samples from the stream's beginning. */
  takenEnd = 0;
  #window;
  #hop;
  #ring;
  #written = 0;
  #nextEnd;

  constructor(window, hop) {
    this.#window = window;
    this.#hop = hop;
    // The newest complete window ends less than a hop before the newest sample.
    this.#ring = new Float32Array(window + hop);
    this.#nextEnd = window;
  }

  write(samples) {
    for (const sample of samples) this.#ring[this.#written++ % this.#ring.length] = sample;
  }

  /** Whether there is a window that was not taken. */
  get ready() {
    return this.#written >= this.#nextEnd;
  }

  /** Copies the newest complete window; returns how many before it were skipped. */
  take(into) {
    const skipped = Math.floor((this.#written - this.#nextEnd) / this.#hop);
    this.takenEnd = this.#nextEnd + skipped * this.#hop;
    this.#nextEnd = this.takenEnd + this.#hop;
    const at = (this.takenEnd - this.#window) % this.#ring.length;
    const first = Math.min(this.#window, this.#ring.length - at);
    into.set(this.#ring.subarray(at, at + first));
    into.set(this.#ring.subarray(0, this.#window - first), first);
    return skipped;
  }
}
