/**
 * What a model's scores say. What differs between classes, labels and values differs here alone, as
 * in Python's `Head`: `answer` gives `state` ("class", "unsure", "values") and `top` of scores that are
 * no silence, `text` a score in words; `range` stands in place of a bar, "" where there are bars;
 * `outputs` and `described` are for the model's card.
 */
export function headOf(card) {
  return {
    softmax: () => probabilities(card.unsure_below, "one of the classes"),
    // Of independent classes one is named only if it is more likely than not.
    sigmoid: () => probabilities(card.present, "each class for itself"),
    linear: () => values(card.unit, card.value_range),
  }[card.head]();
}

function probabilities(least, described) {
  return {
    outputs: "Classes",
    described,
    range: "",
    text: (score) => `${(100 * score).toFixed(0)}%`,
    answer(scores) {
      const highest = Math.max(...scores);
      return { state: highest < least ? "unsure" : "class", top: scores.indexOf(highest) };
    },
  };
}

function values(unit, [low, high]) {
  // Three digits of what the range spans.
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(high - low)));
  const number = (value) => value.toFixed(decimals);
  const range = `of ${number(low)} to ${number(high)}`;
  return {
    outputs: "Values",
    described: `${range} ${unit}`.trimEnd(),
    range,
    text: (score) => `${number(score)} ${unit}`.trimEnd(),
    answer: () => ({ state: "values", top: -1 }),
  };
}
