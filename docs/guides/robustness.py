# %% [markdown]
# # What robustness and a fair comparison look like
#
# A score on clean clips says little about a phone, and one run says little about a method. This
# guide shows both on what lies in the repository: the shipped model on real speech, and a finished
# study.

# %%
import json
from pathlib import Path

import keras_reparam
import recipes
from recipes.robustness.__main__ import main as robustness

RECIPES = Path(recipes.__file__).parent
MODEL = Path(keras_reparam.__file__).parent / "pretrained" / "ser_int8.tflite"
EMODB = RECIPES / "data" / "emodb4"

# %% [markdown]
# ## Robustness
#
# Every clip is classified as it is, and again softer, in noise, and over a telephone. Two figures
# count: how far the accuracy (UA, the mean recall of the classes) falls, and how many clips keep
# their class.
#
#     python -m recipes.robustness ser_int8.tflite --manifest emodb4.csv --data emodb4 \
#         --split test --tests gain-20,white,telephone,room --limit 3
#
# The speakers must be ones that the model has never heard: for the shipped model those of the
# split `test`.

# %%
manifest = ["--manifest", str(EMODB / "emodb4.csv"), "--data", str(EMODB), "--split", "test"]
tests = ["--tests", "gain-20,white,telephone,room", "--limit", "3", "--workers", "1"]
assert robustness([str(MODEL), *manifest, *tests]) == 0

# %% [markdown]
# Twenty-four clips are a look, not a measurement; the card has the [whole
# table](../../keras_reparam/pretrained/MODEL_CARD.md#what-it-bears). What to read in it:
#
# - `gain-20`: a model that has learnt loudness fails here first.
# - `same` below its mark while UA stays: as many answers became right as became wrong.
# - A test that is missed is said to be missed. [All tests and their
#   marks](../howto/robustness.md#tests-and-marks).
#
# The report is a file, too, for a program or another page:

# %%
report = json.loads(Path("runs/robustness/robustness.json").read_text())
for outcome in report["outcomes"]:
    print(f"{outcome['name']:12} UA {outcome['ua']:.1%}")

# %% [markdown]
# ## A fair comparison
#
# Does HRF help a light model? A study trains both, on the same folds of speakers, with the same
# seeds, each at the learning rate that *its* validation speakers choose:
#
#     python -m recipes.compare run 'corpora=[emodb]' 'learning_rates=[1,2,4,8,16]'
#     python -m recipes.compare report
#
# The repository holds the tables of one that is too small on purpose: three seeds, two speakers,
# one rate. Its report says so by itself ([the
# scores](../results/comparisons.md#a-first-comparison)):

# %%
import textwrap

from recipes.compare.report.report import readme_table

for line in readme_table(RECIPES / "results" / "first").splitlines():
    if line.startswith("- light + HRF r=4 minus light:"):
        print(textwrap.fill(line, 98))

# %% [markdown]
# How to read it:
#
# 1. A score's deviation over folds and seeds, here 12 points, is no measure of a difference: runs
#    come in pairs, of the same fold and seed.
# 2. The paired difference takes out what fold and seed have in common.
# 3. "No difference shown" is no proof that there is none. The reasons stand in brackets: too few
#    seeds, too few speakers, a p that is not below 0.05 after Holm's correction.
# 4. One learning rate may be a comparison of learning rates: an expanded layer takes larger
#    effective steps.
# 5. Test speakers choose nothing: neither the epoch nor the rate, nor what is shown.
#
# A study of your own, on one machine or many: [run a study](../howto/study.md).
