import { headOf } from "./heads.js";
import { SECONDS } from "./timeline.js";

/** The level meter begins at so many decibels. */
const FLOOR_DECIBELS = -80;

const find = (id) => document.getElementById(id);
const capitalized = (name) => name.charAt(0).toUpperCase() + name.slice(1);

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** A colour for each class: there are eight, then they begin anew. */
const color = (kind) => (Number.isInteger(kind) ? `class-${kind % 8}` : kind);

/** What the page shows. */
export class View {
  #card;
  #head;
  #bars = [];
  #rows = new Map();

  /** Before there is a model, it can only say that it loads or why it can't. */
  say(title, detail, kind = "") {
    find("now").dataset.kind = kind;
    find("caption").textContent = "\u00a0";
    find("title").textContent = title;
    find("detail").textContent = detail;
    this.#announce(`${title}. ${detail}`);
  }

  notice(text) {
    find("notice").textContent = text;
    find("notice").hidden = !text;
  }

  showModel(card) {
    this.#card = card;
    this.#head = headOf(card);
    for (const [i, label] of card.labels.entries()) {
      const row = element("li", `score ${color(i)}`);
      const bar = element("span", "bar");
      const filled = element("span", "filled");
      bar.append(filled);
      bar.setAttribute("aria-hidden", "true");
      const value = element("span", "value", "–");
      const beside = this.#head.range ? element("span", "range", this.#head.range) : bar;
      row.append(element("span", "label", capitalized(label)), value, beside);
      find("scores").append(row);
      this.#bars.push({ row, value, filled });
    }
    for (const kind of [...card.labels.keys(), "unsure"]) {
      const row = element("div", `row ${color(kind)}`);
      const track = element("div", "track");
      row.append(element("span", "label", this.#name(kind)), track);
      find("rows").lastElementChild.before(row);
      this.#rows.set(kind, track);
    }
    for (const [name, value] of facts(card, this.#head)) {
      find("card").append(element("dt", "", name), element("dd", "", value));
    }
    for (const section of document.querySelectorAll("[data-needs-model]")) section.hidden = false;
    // Values have no rows of their own in it.
    find("timeline").hidden = Boolean(this.#head.range);
  }

  /** `phase`: "ready", "listening" or "reading". */
  setPhase(phase) {
    const button = find("listen");
    button.textContent = phase === "listening" ? "Stop" : "Start listening";
    button.classList.toggle("stop", phase === "listening");
    button.disabled = phase === "reading";
    find("file").disabled = phase === "reading";
    if (phase !== "listening") this.showLevel(-Infinity);
  }

  /** A window, or a whole clip: `caption` says what of. */
  showResult(result, caption) {
    const { state, top, scores } = result;
    const [title, detail] = {
      silence: () => ["Silence", "Too quiet to say anything."],
      unsure: () => ["Unsure", "No class stands out."],
      class: () => [this.#name(top), `Score: ${this.#head.text(scores[top])}`],
      values: () => this.#values(scores),
    }[state]();
    const now = find("now");
    now.dataset.kind = color(state === "class" ? top : state);
    find("caption").textContent = caption;
    find("title").textContent = title;
    find("detail").textContent = skippedText(result.skipped) || detail;
    for (const [i, { row, value, filled }] of this.#bars.entries()) {
      value.textContent = state === "silence" ? "–" : this.#head.text(scores[i]);
      filled.style.width = `${100 * scores[i]}%`;
      row.classList.toggle("top", state === "class" && i === top);
    }
    // The name alone, and only when it changes: a score every half second would drown everything.
    this.#announce(state === "values" ? this.#names().join(", ") : title);
  }

  /** Title and detail: the one value, or each with its name. */
  #values(scores) {
    const texts = Array.from(scores, this.#head.text);
    if (texts.length === 1) return [texts[0], `${this.#name(0)}, ${this.#head.range}`];
    return [this.#names().map((name, i) => `${name} ${texts[i]}`).join("\n"), this.#head.range];
  }

  #names() {
    return this.#card.labels.map(capitalized);
  }

  showLevel(decibels) {
    const share = Math.min(1, Math.max(0, 1 - decibels / FLOOR_DECIBELS));
    find("level").value = Number.isFinite(share) ? share : 0;
  }

  showLatency(milliseconds) {
    find("latency").textContent =
      milliseconds === null ? "–" : `${milliseconds.toFixed(1)} ms a window, in this browser`;
  }

  showTimeline(timeline) {
    for (const track of this.#rows.values()) track.replaceChildren();
    const place = (time) => 100 * Math.max(0, 1 - (timeline.end - time) / SECONDS);
    for (const { from, to, kind } of timeline.bands) {
      const tracks = kind === "break" ? [...this.#rows.values()] : [this.#rows.get(kind)];
      for (const track of tracks.filter(Boolean)) {
        const band = element("span", kind === "break" ? "break" : "band");
        band.style.left = `${place(from)}%`;
        band.style.width = `${place(to) - place(from)}%`;
        track.append(band);
      }
    }
    const parts = [...this.#rows.keys(), "silence"]
      .map((kind) => [this.#name(kind), timeline.seconds(kind)])
      .filter(([, seconds]) => seconds > 0)
      .map(([name, seconds]) => `${name} ${seconds.toFixed(0)} seconds`);
    const text = parts.join(", ") || "nothing heard yet";
    find("rows").setAttribute("aria-label", `The last ${SECONDS} seconds: ${text}`);
  }

  #name(kind) {
    return capitalized(Number.isInteger(kind) ? this.#card.labels[kind] : kind);
  }

  #announce(text) {
    if (find("announced").textContent !== text) find("announced").textContent = text;
  }
}

function skippedText(skipped = 0) {
  if (skipped === 0) return "";
  return `This computer cannot keep up: ${skipped} ${skipped === 1 ? "step was" : "steps were"} left out.`;
}

/** Pairs of the model's card: what the file says about itself. */
function facts(card, head) {
  const seconds = card.window / card.sample_rate;
  return [
    ["File", `${card.file}, ${(card.bytes / 1000).toFixed(0)} kB`],
    ["Name", card.name],
    ["Description", card.description],
    [head.outputs, card.labels.join(", ")],
    ["Hears", `${seconds} s at ${card.sample_rate} Hz, anew every ${card.hop} s`],
    ["Scores", head.described],
    ["Unsure", card.unsure_below ? `below ${head.text(card.unsure_below)}` : ""],
    ["Silence", `below ${card.silence_decibels} dBFS`],
    ["Quantization", card.quantization],
    ["Front end", card.front_end],
    ["Version", card.version],
    ["Author", card.author],
    ["License", card.license],
  ].filter(([, value]) => value);
}
