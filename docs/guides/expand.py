# %% [markdown]
# # Expand, train and merge a model of your own
#
# An encoder of KerasHub (`python -m pip install keras-hub`) with a classifier on top, as you would
# build it: here a small BERT without a preset, so that nothing is downloaded. It learns which of
# three words is the most frequent one in a sentence.

# %%
import keras
import keras_hub
import numpy as np

import keras_reparam as kr

keras.utils.set_random_seed(1)
LENGTH, WORDS = 24, 20


def sentences(count):
    tokens = np.random.randint(1, WORDS, (count, LENGTH))
    classes = np.argmax([(tokens == word).sum(axis=1) for word in (1, 2, 3)], axis=0)
    padding = np.ones_like(tokens)
    return {"token_ids": tokens, "segment_ids": 0 * tokens, "padding_mask": padding}, classes


def classifier():
    bert = keras_hub.models.BertBackbone(
        vocabulary_size=WORDS,
        num_layers=2,
        num_heads=4,
        hidden_dim=32,
        intermediate_dim=64,
        max_sequence_length=LENGTH,
        dropout=0.0,
    )
    pooled = keras.ops.mean(bert.output["sequence_output"], axis=1)
    return keras.Model(bert.input, keras.layers.Dense(3, name="classes")(pooled))


model = classifier()
print(f"{model.count_params():,} parameters")

# %% [markdown]
# ## Expand
#
# `expand` finds the first linear layer of every feed-forward network. The new model is the same
# function, with more weights to train, and yours is left as it is.

# %%
train = kr.expand(model, expansion=4)
x, y = sentences(2000)
difference = np.abs(train.predict(x, verbose=0) - model.predict(x, verbose=0)).max()
print(f"{train.count_params():,} parameters in training; outputs differ by {difference:.1e}")

# %% [markdown]
# `summary` says which layers were taken, and why the others were not. `filters=` chooses others.

# %%
print(kr.summary(train))

# %% [markdown]
# ## Train
#
# It is a Keras model: `compile` and `fit` as always.

# %%
train.compile(
    keras.optimizers.Adam(3e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
train.fit(x, y, batch_size=64, epochs=8, verbose=0)
held_out = sentences(1000)
print(f"accuracy on new sentences: {train.evaluate(*held_out, verbose=0)[1]:.0%}")

# %% [markdown]
# ## Merge
#
# Before export, LoRA, quantization, or handing the model on. `merge` folds the factors in float64,
# runs both models, and raises an error if they differ.

# %%
light = kr.merge(train)
difference = np.abs(light.predict(x, verbose=0) - train.predict(x, verbose=0)).max()
print(f"{light.count_params():,} parameters; outputs differ by {difference:.1e}")
print(f"accuracy on new sentences: {light.evaluate(*held_out, verbose=0)[1]:.0%}")

# %% [markdown]
# What is left are the layers that you put in, under their own names. The file loads where this
# package is not installed, and light weights load into an expanded model to train on:

# %%
light.save("light.keras")
light.save_weights("light.weights.h5")
again = kr.expand(classifier(), expansion=4)
again.load_weights("light.weights.h5")
print({type(layer).__module__.split(".")[0] for layer in light._flatten_layers()})

# %% [markdown]
# Is it better than the plain model trained as long? One run can't say: see [what a fair comparison
# looks like](robustness.md#a-fair-comparison).
