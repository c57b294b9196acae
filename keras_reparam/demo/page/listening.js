import { Microphone } from "./microphone.js";
import { Scorer } from "./scorer.js";
import { decibels } from "./sound.js";
import { WindowBuffer } from "./window_buffer.js";

/** One recording and what is heard in it: the newest window each hop, as on Android. */
export class Listening {
  #buffer;
  #window;
  #scorer;
  #on;
  #microphone;
  #busy = false;
  #ended = false;

  /** `on` has `result(result)`, `level(decibels)` and `error(error)`. */
  constructor(model, card, on) {
    this.#buffer = new WindowBuffer(card.window, Math.round(card.hop * card.sample_rate));
    this.#window = new Float32Array(card.window);
    this.#scorer = new Scorer(model, card);
    this.#on = on;
  }

  static async start(model, card, on) {
    const listening = new Listening(model, card, on);
    const fail = (error) => listening.#fail(error);
    const hear = (chunk) => listening.#hear(chunk).catch(fail);
    listening.#microphone = await Microphone.open(card.sample_rate, hear, fail);
    return listening;
  }

  async stop() {
    this.#ended = true;
    // It may be lost while it is being opened.
    await this.#microphone?.close();
  }

  async #hear(chunk) {
    if (this.#ended) return;
    this.#on.level(decibels(chunk));
    this.#buffer.write(chunk);
    // While the model runs sound comes in; windows that it can't keep up with are skipped.
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#buffer.ready && !this.#ended) {
        const skipped = this.#buffer.take(this.#window);
        const result = await this.#scorer.score(this.#window, this.#buffer.takenEnd, skipped);
        if (!this.#ended) this.#on.result(result);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #fail(error) {
    if (this.#ended) return;
    await this.stop();
    this.#on.error(error);
  }
}
