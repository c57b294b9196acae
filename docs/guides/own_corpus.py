# %% [markdown]
# # From a folder of WAV files to a verified int8 file
#
# You have recordings and a table that says what is in them. This guide ends with a `.tflite` file
# whose scores were compared with the model's, clip by clip. Here the recordings are some of
# EmoDB's, which lie in the repository; put your own folder in their place.

# %%
import csv
from pathlib import Path

import soundfile

import keras_reparam as kr
import recipes

EMODB = Path(recipes.__file__).parent / "data" / "emodb4"
corpus = Path("corpus")
corpus.mkdir(exist_ok=True)
with (EMODB / "emodb4.csv").open(encoding="utf-8") as file:
    rows = [row for row in csv.DictReader(file) if row["label"] in ("anger", "sadness")]

with (corpus / "clips.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["path", "label", "speaker", "split"])
    for row in rows:
        samples = kr.audio.load(EMODB / row["path"], sample_rate=16000)
        soundfile.write(corpus / f"{row['id']}.wav", samples, 16000)
        table.writerow([f"{row['id']}.wav", row["label"], row["speaker"], row["split"]])

print((corpus / "clips.csv").read_text(encoding="utf-8")[:150], "...", sep="\n")

# %% [markdown]
# A row for each clip: its file, what it is, who speaks. Without the column `split` the recipe
# deals out folds of speakers by itself. All columns, and what is said when something is wrong: [a
# corpus of your own](../../recipes/custom/README.md).
#
# ## Prepare
#
#     python -m recipes custom prepare --data corpus
#
# reads every clip once, and lists all that is wrong with the table at once.

# %%
from recipes.__main__ import main

assert main(["custom", "prepare", "--data", "corpus"]) == 0

# %% [markdown]
# ## Train, evaluate, export
#
#     python -m recipes custom all --data corpus --run first epochs=5
#
# All settings are in [a table](../howto/recipes.md#settings). Five epochs are for a guide; the
# recipe's own number is 40.

# %%
assert main(["custom", "all", "--data", "corpus", "--run", "first", "epochs=5"]) == 0

# %% [markdown]
# The speakers of the test split were read once, by the evaluation. The folder of the run holds the
# models, what they decided about every clip, and a model card: [the
# files](../howto/recipes.md#the-folder-of-a-run).

# %%
folder = Path("runs/custom/first/fold-official")
print(*sorted(path.name for path in folder.iterdir()), sep="\n")

# %% [markdown]
# ## Verify
#
# The export has measured each file by itself. Compare the int8 file with the Keras model once
# more, as you would with a file from elsewhere: `verify_tflite` scores clips with both.

# %%
import keras
import numpy as np

tests = [row for row in rows if row["split"] == "test"]
clips = [kr.audio.load(corpus / f"{row['id']}.wav", sample_rate=16000) for row in tests]
windows = [np.pad(clip, (0, max(0, 64000 - len(clip))))[:64000] for clip in clips]
model = keras.saving.load_model(folder / "light.keras")
print(kr.verify_tflite(folder / "ser_int8.tflite", model, windows))

# %% [markdown]
# And what an app will do with it: samples in, a class and its probability out, without TensorFlow.

# %%
classifier = kr.load_classifier(folder / "ser_int8.tflite")
said = [classifier.classify(clip, 16000).label for clip in clips]
right = sum(label == row["label"] for label, row in zip(said, tests, strict=True))
print(f"{right} of {len(tests)} test clips are right")

# %% [markdown]
# Next: [what it bears](robustness.md) of level, noise and telephone, and [the
# app](../../android_demo/README.md) with a model of your own.
