import { Listening } from "./listening.js";
import { MicrophoneError } from "./microphone.js";
import { Model } from "./model.js";
import { classify, classifyWindows } from "./scorer.js";
import { Timeline } from "./timeline.js";
import { View } from "./view.js";

/** The median of so many latencies is shown: one slow window does not move it. */
const LATENCIES = 15;

const view = new View();
const timeline = new Timeline();
let latencies = [];
let card;
let model;
let listening = null;
let busy = false;

async function load() {
  try {
    card = await (await fetched("model.json")).json();
    const bytes = new Uint8Array(await (await fetched("model.tflite")).arrayBuffer());
    model = await Model.load(bytes, card.window);
  } catch (error) {
    view.say("It does not work", `LiteRT.js can't run this model here: ${error.message}`, "broken");
    return;
  }
  document.title = card.name || card.file;
  view.showModel(card);
  view.showTimeline(timeline);
  view.setPhase("ready");
  view.say("Ready", `Press the button and speak. The first answer comes after ${seconds()} seconds.`);
}

async function fetched(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer;
}

const seconds = () => card.window / card.sample_rate;

async function toggle() {
  if (busy) return;
  busy = true;
  try {
    if (listening) await stop();
    else await start();
  } finally {
    busy = false;
  }
}

async function start() {
  view.notice("");
  try {
    const on = { result: heard, level: (level) => view.showLevel(level), error: lost };
    listening = await Listening.start(model, card, on);
  } catch (error) {
    view.notice(wordsOf(error));
    return;
  }
  timeline.beginRecording();
  view.setPhase("listening");
  view.say("Listening…", `Speak as you like. The first answer comes after ${seconds()} seconds.`);
}

async function stop() {
  await listening.stop();
  listening = null;
  view.setPhase("ready");
}

function heard(result) {
  view.showResult(result, "Now");
  remember(result);
  view.showTimeline(timeline);
}

function remember(result) {
  timeline.add(result);
  if (result.state !== "silence") latencies = [...latencies, result.latency].slice(-LATENCIES);
  const sorted = latencies.toSorted((a, b) => a - b);
  view.showLatency(sorted.length ? sorted[sorted.length >> 1] : null);
}

function lost(error) {
  listening = null;
  view.setPhase("ready");
  view.notice(wordsOf(error));
}

const wordsOf = (error) =>
  error instanceof MicrophoneError ? error.message : `The model failed: ${error.message}`;

async function read(file) {
  if (busy || !model) return;
  busy = true;
  try {
    if (listening) await stop();
    view.notice("");
    view.setPhase("reading");
    view.say("Listening…", `to the file ${file.name}`);
    const channels = await decoded(file);
    const whole = await classify(model, card, channels);
    const windows = await classifyWindows(model, card, channels);
    timeline.clear();
    latencies = [];
    windows.forEach(remember);
    view.showTimeline(timeline);
    view.showResult(whole, `In the file ${file.name}`);
  } catch (error) {
    view.say("Ready", "Press the button and speak, or open another file.");
    view.notice(`“${file.name}” cannot be heard: ${error.message}`);
  } finally {
    view.setPhase("ready");
    busy = false;
  }
}

/** The channels of an audio file, at the model's sample rate. */
async function decoded(file) {
  const content = await file.arrayBuffer();
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, card.sample_rate).decodeAudioData(content);
  } catch (error) {
    throw new Error("it is no audio file that this browser knows, or it is broken.", { cause: error });
  }
  return Array.from({ length: audio.numberOfChannels }, (_, i) => audio.getChannelData(i));
}

const input = document.getElementById("file");
input.addEventListener("change", () => {
  if (input.files.length) read(input.files[0]);
  // The same file again is a change, too.
  input.value = "";
});
document.getElementById("listen").addEventListener("click", toggle);

// A file that misses the marked place would otherwise replace the page.
const zone = document.getElementById("drop");
for (const [type, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    zone.classList.toggle("over", over);
  });
}
document.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) read(event.dataTransfer.files[0]);
});
window.addEventListener("pagehide", () => listening?.stop());

load();
