/** Hands on what the microphone gives, a tenth of a second at a time. */
class Recorder extends AudioWorkletProcessor {
  #chunk = new Float32Array(Math.round(sampleRate / 10));
  #filled = 0;

  process([[channel]]) {
    // Before the microphone is connected, and after it is taken away, there is no channel.
    for (const sample of channel ?? []) {
      this.#chunk[this.#filled++] = sample;
      if (this.#filled === this.#chunk.length) {
        this.port.postMessage(this.#chunk.slice());
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
