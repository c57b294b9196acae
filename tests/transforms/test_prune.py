"""`prune`, rounds of ADMM and the removal at the merge, on whole models."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.transforms.prunable import prunable
from tests.layers.helpers import difference, numpy, random
from tests.marks import slow_but
from tests.transforms.test_quantize_aware import Block

X = random((8, 20, 8), seed=4)
Y = np.arange(8) % 3
SMALL = {"num_classes": 3, "num_mels": 8, "frames": 20, "channels": 2, "units": 8, "num_heads": 4}
BACKBONES = {
    "ConvTransformer": lambda: kr.models.ConvTransformer(
        **SMALL, num_layers=2, feed_forward_units=12, num_windows=2, global_layers=(1,)
    ),
    "Conformer": lambda: kr.models.Conformer(
        **SMALL, num_layers=2, feed_forward_units=12, kernel_size=3
    ),
}


def table_of(model, milliseconds=1.0):
    """A table in which a part costs between 0.05 and 0.1 ms."""
    groups, _ = prunable(model)
    return kr.LatencyTable(
        milliseconds=milliseconds,
        parts=[(each.part, each.count) for each in groups],
        steps={each.part: [(1, 0.05), (each.count, 0.1)] for each in groups},
        measured={},
    )


def predicted(table, model):
    return table.predicted([(each.part, each.count) for each in prunable(model)[0]])


def fitted(train, rounds=1, epochs=2, x=X, y=Y):
    train.compile(
        keras.optimizers.SGD(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # To compile it takes longer than to train so little.
        jit_compile=False,
    )
    train.fit(x, y, epochs=epochs, verbose=0, callbacks=[kr.PruningRounds(rounds)])
    return train


def mlp(*, seed=0):
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Dense(12, activation="relu", name="fc1"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(8, use_bias=False, name="fc2"),
        keras.layers.Activation("gelu"),
        keras.layers.Dense(10, activation="relu", name="fc3"),
        keras.layers.Dense(3, name="fc4"),
    ]
    return keras.Sequential([keras.Input((8,)), *layers], name="mlp")


FORMS = {
    "plain": lambda model: model,
    "factors and ternary": lambda model: kr.quantize_aware(
        kr.expand(model, expansion=2), "ternary", verbose=False
    ),
}


@pytest.mark.parametrize(
    ("make", "form"),
    [("Conformer", "plain"), ("ConvTransformer", "factors and ternary")],
)
@pytest.mark.slow
def test_a_backbone_becomes_one_of_narrower_layers(make, form, tmp_path):
    make, form = BACKBONES[make], FORMS[form]
    model = make()
    table = table_of(model)
    latency = 1 - 0.03 * len(table.parts)
    train = kr.prune(form(model), latency=latency, table=table, verbose=False)
    assert difference(form(model)(X), train(X)) < 1e-5
    fitted(train)
    light = kr.merge(train, data=X)
    assert type(light) is type(model) and light.get_config() != model.get_config()
    assert not any(isinstance(x, kr.layers.ReparamLayer) for x in light._flatten_layers())
    assert difference(train(X), light(X)) < 1e-5
    assert predicted(table, light) <= latency < predicted(table, model)
    assert light.key_dim == 2
    light.save(tmp_path / "light.keras")
    again = keras.saving.load_model(tmp_path / "light.keras")
    np.testing.assert_array_equal(numpy(again(X)), numpy(light(X)))
    # Its own constructor makes the same model from the widths alone.
    fresh = type(light)(**{**light.get_config(), "dtype": None, "name": "fresh"})
    assert [v.shape for v in fresh.weights] == [v.shape for v in light.weights]


@pytest.mark.slow
def test_heads_go_with_all_that_is_theirs():
    """Relative positions, too; the width of a head stays."""
    model = BACKBONES["Conformer"]()
    train = kr.prune(
        model, latency=0.94, table=table_of(model), filters="output_projection", verbose=False
    )
    for name, kept in (("block_0", [1, 0, 1, 1]), ("block_1", [0, 1, 0, 0])):
        train.get_layer(name).attention.output_projection.keep_groups(kept)
    light = kr.merge(train, data=X)
    assert (light.num_heads, light.key_dim, light.feed_forward_units) == ((3, 1), 2, 12)
    attention = light.get_layer("block_0").attention
    shapes = [tuple(v.shape) for v in (attention.content_bias, attention.qkv.kernel)]
    assert shapes == [(3, 1, 2), (8, 18)]
    assert difference(model(X), train(X)) > 1e-3 > 1e-5 > difference(train(X), light(X))


@pytest.mark.backend
@pytest.mark.parametrize(
    "quantizer", slow_but([None, "scaled_sign", "dual_learnable_ternary"], "scaled_sign")
)
def test_units_of_plain_models_go_exactly(quantizer, tmp_path):
    """A binary kernel has no zero: the removed rows are zero all the same, after the quantizer."""
    model = mlp()
    train = kr.expand(model, expansion=2, filters="fc2")
    if quantizer:
        train = kr.quantize_aware(train, quantizer, filters="fc[24]", verbose=False)
    table = table_of(model)
    train = kr.prune(train, latency=0.94, table=table, verbose=False)
    x = random((8, 8), seed=1)
    fitted(train, x=x)
    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras", compile=False)
    light = kr.merge(again, data=x)
    assert {type(layer) for layer in light.layers} == {type(layer) for layer in model.layers}
    widths = [light.get_layer(name).units for name in ("fc1", "fc3")]
    assert all(0 < now < before for now, before in zip(widths, (12, 10), strict=True))
    assert difference(train(x), light(x)) < 1e-5
    assert predicted(table, light) <= 0.94
    kept = [again.get_layer(name).kept_groups for name in ("fc2", "fc4")]
    assert [int(k.sum()) for k in kept] == widths
    # What is left is what it was, bit for bit.
    if quantizer is None:
        fc1 = numpy(again.get_layer("fc1").kernel)
        np.testing.assert_array_equal(numpy(light.get_layer("fc1").kernel), fc1[:, kept[0]])


@pytest.mark.backend
def test_rounds_are_admm():
    """Each state against the formulas, and the penalty in the loss."""
    train = kr.prune(mlp(), latency=0.97, table=table_of(mlp()), filters="fc2", verbose=False)
    layer, seen = train.get_layer("fc2"), []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append((layer.pruning_state(), layer.kept_groups, float(sum(train.losses))))

    train.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=False)
    rounds = kr.PruningRounds(2, rho=0.5, growth=3.0)
    x = random((8, 8), seed=1)
    train.fit(x, x[:, :3], epochs=3, verbose=0, callbacks=[rounds, Look()])
    (first, all_kept, loss), (second, _, _), (last, kept, no_loss) = seen
    assert all_kept.all() and 0 < kept.sum() < 12
    assert [float(state["rho"]) for state in (first, second, last)] == [0.5, 1.5, 0.0]
    rows = first["target"].any(axis=1)
    np.testing.assert_allclose(first["target"], first["latent"] * rows[:, None])
    np.testing.assert_allclose(first["dual"], 0)  # U = 0 before the first round
    distance = np.square(first["latent"] - first["target"]).sum()
    assert loss == pytest.approx(0.25 * distance, rel=1e-5)
    # The first round leaves U = W - Z, of which the second begins with the scaled one.
    gone = ~rows
    aimed = second["latent"]
    target = second["target"].any(axis=1)
    np.testing.assert_allclose(second["dual"][~target], aimed[~target] / 3, rtol=1e-5)
    assert np.abs(aimed[gone]).sum() < np.abs(first["latent"][gone]).sum()
    assert no_loss == 0 and not numpy(layer.kernel)[~kept].any()


@pytest.mark.slow
def test_training_may_stop_and_go_on(tmp_path):
    """The state is in the model: saved between rounds, it goes on; stopped early, it is removed."""
    table = table_of(mlp())
    train = kr.prune(mlp(), latency=0.95, table=table, verbose=False)
    x = random((8, 8), seed=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    train.compile("sgd", loss, jit_compile=False)
    saved = tmp_path / "saved.keras"

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.save(saved)

    train.fit(x, Y, epochs=2, verbose=0, callbacks=[kr.PruningRounds(5), Save()])
    assert predicted(table, kr.merge(train, data=x)) <= 0.95
    again = keras.saving.load_model(saved)
    assert again.get_layer("fc2").kept_groups.all()
    assert float(again.get_layer("fc2").pruning_state()["rho"]) > 0
    again.fit(x, Y, epochs=2, initial_epoch=1, verbose=0, callbacks=[kr.PruningRounds(1)])
    assert predicted(table, kr.merge(again, data=x)) <= 0.95


def test_what_cannot_be_pruned_says_why():
    def reasons(model):
        return {row.path: row.obstacle for row in prunable(model)[1]}

    inputs = keras.Input((8,))
    shared = keras.layers.Dense(8, activation="relu", name="shared")
    x = keras.layers.Dense(12, activation="relu", name="branch")(inputs)
    y = keras.layers.Dense(8, name="one")(x) + keras.layers.Dense(8, name="other")(x)
    z = keras.layers.Dense(8, activation="softmax", name="softmax")(y)
    z = keras.layers.Dense(8, activation="relu", name="after_softmax")(z)
    z = keras.layers.LayerNormalization(name="norm")(z)
    z = keras.layers.Dense(8, name="after_norm")(z)
    z = keras.layers.Dense(8, name="after_shared")(shared(shared(z)))
    found = reasons(keras.Model(inputs, z))
    assert found["one"] == found["other"] == "what leads into it leads elsewhere, too"
    assert found["branch"] == "its inputs are those of the model"
    assert "activation of 'softmax'" in found["after_softmax"]
    assert "mixed by 'norm'" in found["after_norm"]
    assert "'shared' before it is called more than once" in found["after_shared"]
    # Its parts are in no config; nor are those of backbones without widths for each layer.
    inputs = keras.Input((6, 8))
    found = reasons(keras.Model(inputs, Block(name="block")(inputs)))
    assert found["block/fc2"].endswith("is no argument of what makes it (Block in Functional)")
    speech = kr.models.create("speechformer", num_classes=3, num_mels=8, frames=60, num_heads=2)
    assert not prunable(speech)[0]
    with pytest.raises(ValueError, match=r"has no feed-forward network.*to prune.*'fc1' has is no"):
        kr.prune(speech, latency=1.0, table=table_of(mlp()))


def test_bad_input_changes_nothing(tmp_path):
    model = mlp()
    before, config = [numpy(v) for v in model.weights], model.get_config()
    table = table_of(model)
    other = table_of(
        keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(n) for n in (5, 2))])
    )
    pruned = kr.prune(model, latency=0.95, table=table, verbose=False)
    for match, target, options in (
        (r"cannot be met: with one group.*0.9 ms. Received: latency=0.5", model, {"latency": 0.5}),
        (r"below what the table predicts.*1 ms. Received: latency=1.2", model, {"latency": 1.2}),
        (r"`latency` must be a finite number greater than 0", model, {"latency": "fast"}),
        (r"measured for another model.*1 x 'feed_forward 4", model, {"table": other}),
        (r"'fc1' cannot be pruned: its inputs are those of the", model, {"filters": "fc1"}),
        (r"`filters='nothing'` matches no layer", model, {"filters": "nothing"}),
        (r"is being pruned already; merge the model first", pruned, {}),
    ):
        with pytest.raises(ValueError, match=match):
            kr.prune(target, **{"latency": 0.95, "table": table, **options})
    with pytest.raises(FileNotFoundError, match=r"no\.json"):
        kr.prune(model, latency=0.95, table=tmp_path / "no.json")
    with pytest.raises(TypeError, match=r"Expected a `keras.Model`"):
        kr.prune("model", latency=0.95, table=table)
    with pytest.raises(ValueError, match=r"no layer that is being pruned: call"):
        fitted(model, x=random((8, 8)))
    for bad in ({"rounds": -1}, {"rounds": 1, "rho": 0}, {"rounds": 1, "growth": 0.5}):
        with pytest.raises(ValueError, match="must be"):
            kr.PruningRounds(**bad)
    assert model.get_config() == config
    for expected, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(numpy(variable), expected)


def test_the_summary_says_how_many_groups_are_left():
    train = kr.prune(mlp(), latency=0.97, table=table_of(mlp()), filters="fc2", verbose=False)
    rows = {row.path: row for row in kr.summary(train).rows}
    assert rows["fc2"].form == {"groups": "12 of 12"} and rows["fc2"].kind == "PrunedDense"
