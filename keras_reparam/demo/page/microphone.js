/** Why there is no sound, in the words of the page. */
export class MicrophoneError extends Error {}

const REASONS = {
  NotAllowedError:
    "Without the microphone this page cannot hear you. Allow it in the browser, beside the address, and press “Start listening” again. You can also open an audio file.",
  NotFoundError: "There is no microphone. Connect one, or open an audio file.",
  NotReadableError:
    "The microphone cannot be opened. Another program may be using it. Try again afterwards.",
  NotSupportedError:
    "This browser does not record at the model’s sample rate. Chrome, Chromium and Edge do. You can also open an audio file.",
};
const LOST =
  "The microphone was taken away while listening. Press “Start listening” to go on.";
const NONE = "This browser gives pages no microphone. You can open an audio file.";

/**
 * The microphone at a model's sample rate, which the browser converts to. `onChunk` gets a tenth of
 * a second at a time, `onLost` a `MicrophoneError` if it is taken away.
 */
export class Microphone {
  #stream;
  #context;

  constructor(stream, context) {
    this.#stream = stream;
    this.#context = context;
  }

  static async open(sampleRate, onChunk, onLost) {
    if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new MicrophoneError(NONE);
    let microphone;
    try {
      // As it is: what the browser does for calls is not what the model learnt from.
      const audio = {
        channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false,
      };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      microphone = new Microphone(stream, new AudioContext({ sampleRate }));
      await microphone.#connect(onChunk, onLost);
      return microphone;
    } catch (error) {
      await microphone?.close();
      const reason = REASONS[error.name] ?? `The microphone does not work: ${error.message}`;
      throw new MicrophoneError(reason, { cause: error });
    }
  }

  async #connect(onChunk, onLost) {
    const context = this.#context;
    await context.audioWorklet.addModule("recorder_worklet.js");
    const recorder = new AudioWorkletNode(context, "recorder", {
      numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit",
    });
    recorder.port.onmessage = ({ data }) => onChunk(data);
    const [track] = this.#stream.getAudioTracks();
    track.onended = () => onLost(new MicrophoneError(LOST));
    context.createMediaStreamSource(this.#stream).connect(recorder);
    await context.resume();
  }

  async close() {
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    await this.#context.close();
  }
}
