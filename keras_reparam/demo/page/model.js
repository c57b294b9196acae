// The only place that knows LiteRT.js.
import { Tensor, loadAndCompile, loadLiteRt } from "./litert/core/dist/index.js";

// The build that comes with the package.
const BUILD = "litert/core/wasm/litert_wasm_compat_internal.js";

let runtime;

/** A `.tflite` file in WebAssembly: one waveform in, scores out. */
export class Model {
  #compiled;
  #shape;

  constructor(compiled) {
    this.#compiled = compiled;
    this.#shape = [...compiled.getInputDetails()[0].shape];
  }

  /** Of a file's bytes, for windows of so many samples; an error if LiteRT.js can't run it. */
  static async load(bytes, window) {
    runtime ??= loadLiteRt(new URL(BUILD, document.baseURI).href);
    await runtime;
    const model = new Model(await loadAndCompile(bytes, { accelerator: "wasm" }));
    // What it can't run it may say only now.
    await model.scores(new Float32Array(window));
    return model;
  }

  /** Scores of a window of samples. */
  async scores(samples) {
    const input = new Tensor(samples, this.#shape);
    const outputs = [];
    try {
      outputs.push(...(await this.#compiled.run(input)));
      return Float32Array.from(outputs[0].toTypedArray());
    } finally {
      for (const tensor of [input, ...outputs]) tensor.delete();
    }
  }
}
