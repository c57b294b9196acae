"""The parts of a training, against hand calculations, NumPy and Keras."""

import dataclasses
import random

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.audio import LogMel
from keras_reparam.transforms.prunable import prunable
from recipes.common.features import Features
from recipes.common.protocol.fold import Example, Fold
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.common.tasks.classes import Classes
from recipes.common.training.backbone import create_backbone
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.checkpoint import read_variables, write_variables
from recipes.common.training.checkpoints import Checkpoints
from recipes.common.training.distillation import (
    CosineDistillation,
    TeacherFeatures,
)
from recipes.common.training.example_features import ExampleWindows
from recipes.common.training.latent_teacher import LatentTeacherLoss
from recipes.common.training.mixing import mixed
from recipes.common.training.model import training_model
from recipes.common.training.observed import encoder_layers, observed
from recipes.common.training.optimizer import optimizer_of
from recipes.common.training.teacher import load_start, load_teacher
from recipes.common.training.train import train_fold
from recipes.common.training.validation_scores import ValidationScores, averaged_weights
from recipes.common.training.windows import FeatureWindows, Stretch, WaveformWindows, at_tempo
from tests.layers.helpers import gradients

QUIET = {"gain": 0.0, "shift": 0, "tempo": 0.0}


class Numbered:
    """Windows of one frame that tell which clip they are of, and what was drawn."""

    length, any_length = 1, True

    def stretch(self, clip, rng):
        return Stretch(clip, 1)

    def draw(self, stretch, rng):
        return np.array([[stretch.clip, rng.random()]], "float32"), np.ones(1, bool)


def drawn_of(windows, clip, rng):
    stretch = windows.stretch(clip, rng)
    drawn = windows.draw(stretch, rng)
    assert windows.any_length is False or len(drawn[0]) == stretch.length
    return drawn


def classes_of(count):
    return Classes(tuple("abcdefgh"[:count]))


def settings_of(**values):
    return RecipeSettings(**{"batch_size": 4} | values)


@pytest.fixture
def log_mel_of_two():
    log_mel = LogMel(num_mels=2)
    log_mel.build(None)
    return log_mel


def batches_of(truth, classes=2, **values):
    return TrainingBatches(Numbered(), truth, classes_of(classes), settings_of(**values))


def epoch_of(batches, epoch):
    """All of it as arrays: clips and numbers, masks, targets, weights."""
    batches.start_at(epoch)
    rows = [batches[i] for i in range(len(batches))]
    return [
        np.concatenate([inputs[0][:, 0] for inputs, _, _ in rows]),
        np.concatenate([inputs[1] for inputs, _, _ in rows]),
        *(np.concatenate([row[i] for row in rows]) for i in (1, 2)),
    ]


def test_batches_do_not_depend_on_what_was_drawn_before():
    """Neither on the order in which they are asked for, nor on other generators of numbers."""
    truth = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    for options in ({}, {"mixup": 0.3}, {"class_balance": "sampling"}):
        first, second = (batches_of(truth, **options) for _ in range(2))
        epochs = [epoch_of(first, epoch) for epoch in range(3)]
        random.seed(1)
        np.random.seed(1)
        second.start_at(2)
        second[1], second[0]
        for epoch in (2, 0, 1):
            for found, expected in zip(epoch_of(second, epoch), epochs[epoch], strict=True):
                np.testing.assert_array_equal(found, expected)
        other = epoch_of(batches_of(truth, seed=2, **options), 0)
        assert not np.array_equal(other[0], epochs[0][0])
        assert not np.array_equal(epochs[0][0], epochs[1][0])


def test_every_clip_once_with_weights():
    truth = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 2])
    weights = {"weights": [10 / 3 / 7, 10 / 3 / 2, 10 / 3], "none": [1, 1, 1]}
    for balance, expected in weights.items():
        batches = batches_of(truth, classes=3, class_balance=balance)
        assert len(batches) == 3
        (clips, numbers), _, targets, found = (
            part.T if i == 0 else part for i, part in enumerate(epoch_of(batches, 0))
        )
        clips = clips.astype(int)
        assert sorted(clips) == list(range(10))
        assert len(set(numbers)) == 10
        np.testing.assert_array_equal(targets, np.eye(3)[truth[clips]])
        np.testing.assert_allclose(found, np.array(expected)[truth[clips]], rtol=1e-6)


def test_batches_that_devices_share_are_full():
    """Clips that do not fill one are left out, other ones in every epoch."""
    shared = TrainingBatches(
        Numbered(), [0] * 6 + [1] * 5, classes_of(2), settings_of(), shared=True
    )
    whole = batches_of([0] * 6 + [1] * 5)
    assert (len(shared), shared.clips, len(whole), whole.clips) == (2, 8, 3, 11)
    left_out = set()
    for epoch in range(3):
        clips = epoch_of(shared, epoch)[0][:, 0]
        assert len(set(clips)) == len(clips) == 8
        left_out.add(tuple(sorted(set(range(11)) - set(clips))))
    assert len(left_out) == 3
    with pytest.raises(ValueError, match="The 3 training clips do not fill a batch.*batch_size=4"):
        TrainingBatches(Numbered(), [0, 1, 1], classes_of(2), settings_of(), shared=True)


def test_batches_are_no_longer_than_their_clips(log_mel_of_two):
    """Each clip once, with clips of its length, in batches of few lengths and in any order."""
    frames = np.random.default_rng(3).integers(5, 41, 100)
    clips = [[Features(np.full((n, 2), n, "float16"), np.ones(n, bool))] for n in frames]
    settings = settings_of(frames=32, **QUIET)
    batches = TrainingBatches(
        FeatureWindows(clips, log_mel_of_two, settings), [0, 1] * 50, classes_of(2), settings
    )
    # As Keras looks at them before the first epoch.
    assert [batches[number][0][0].shape[1] for number in range(2)] == [32, 33]
    orders = []
    for epoch in range(2):
        batches.start_at(epoch)
        inputs = [batches[number][0] for number in range(len(batches))]
        valid = [mask.sum(axis=1) for _, mask in inputs]
        assert sorted(np.concatenate(valid)) == sorted(np.minimum(frames, 32))
        lengths = [mask.shape[1] for _, mask in inputs]
        assert lengths == [min(-(-max(found) // 4) * 4, 32) for found in valid]
        # Of clips at random it would be three times as much.
        assert np.mean([max(found) - min(found) for found in valid]) < 6
        orders.append(lengths)
    assert orders[0] != sorted(orders[0])
    assert orders[0] != orders[1]


class Listed:
    """Windows of clips of these lengths, as of a `Corpus`."""

    def windows(self, example, frames):
        for start in range(0, example, frames):
            values = np.full((min(frames, example - start), 2), example, "float16")
            yield Features(values, np.ones(len(values), bool))


def test_last_batch_of_validation_is_full():
    log_mel = LogMel(num_mels=2)
    log_mel.build(None)
    windows = ExampleWindows(Listed(), [3, 25, 10, 12], log_mel, frames=10, batch_size=4)
    assert windows.owners.tolist() == [0, 1, 1, 1, 2, 3, 3]
    assert windows.weights.tolist() == [3, 10, 10, 5, 10, 10, 2]
    batches = [windows[i][0] for i in range(len(windows))]
    assert [features.shape for features, _ in batches] == [(4, 10, 2)] * 2
    features, mask = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert features[:, 0, 0].tolist() == [3, 25, 25, 25, 10, 12, 12, 12]
    assert mask.sum(axis=1).tolist() == [3, 10, 10, 5, 10, 10, 2, 2]


def test_sampling_shows_classes_equally_often():
    truth = np.array([0] * 80 + [1] * 15 + [2] * 5)
    batches = batches_of(truth, classes=3, class_balance="sampling", batch_size=100)
    found = [epoch_of(batches, epoch) for epoch in range(30)]
    counts = sum(targets.sum(axis=0) for _, _, targets, _ in found)
    # 1,000 of each are expected; their standard deviation is 26.
    assert np.abs(counts - 1000).max() < 130
    assert all((weights == 1).all() for *_, weights in found)


def test_mixup_is_linear_in_everything():
    """Each row is a share of one row and the rest of another, inputs and targets alike."""
    truth = [0, 0, 1, 1, 2, 2, 2, 2]
    options = {"classes": 3, "batch_size": 8, "seed": 3}
    plain = epoch_of(batches_of(truth, **options), 0)
    mixed = epoch_of(batches_of(truth, mixup=1.0, **options), 0)
    inputs, _, targets, weights = plain
    ways = []
    for row in range(8):
        for other in range(8):
            apart = inputs[row, 1] - inputs[other, 1]
            share = (mixed[0][row, 1] - inputs[other, 1]) / apart if apart else 1.0
            close = [
                np.allclose(share * values[row] + (1 - share) * values[other], found[row])
                for values, found in ((inputs, mixed[0]), (targets, mixed[2]))
            ]
            # A weight counts as much as its part of the clip.
            if all(close) and -1e-6 <= share <= 1 + 1e-6:
                ways.append((row, other))
                expected = share * weights[row] + (1 - share) * weights[other]
                np.testing.assert_allclose(mixed[3][row], expected, rtol=1e-4)
                break
    assert len(ways) == 8
    assert not np.allclose(mixed[0], inputs)
    np.testing.assert_allclose(mixed[2].sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("tempo", [0.5, 0.9, 1.3, 20.0])
def test_tempo_equals_numpy(tempo):
    rng = np.random.default_rng(0)
    values, mask = rng.normal(size=(13, 3)).astype("float32"), rng.random(13) < 0.7
    found, found_mask = at_tempo(values, mask, tempo)
    size = max(round(13 / tempo), 1)
    where = np.linspace(0, 12, size)
    expected = np.stack([np.interp(where, np.arange(13), column) for column in values.T], axis=1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found_mask, mask[np.rint(where).astype(int)])


def test_windows():
    log_mel = LogMel(num_mels=2)
    log_mel.build(None)
    frames = [3, 30, 31]
    clips = [
        [Features(np.arange(2.0 * n).reshape(n, 2).astype("float16"), np.ones(n, bool))]
        for n in frames
    ]
    windows = FeatureWindows(clips, log_mel, settings_of(frames=10, **QUIET))
    rng = np.random.default_rng(0)
    drawn = [[drawn_of(windows, clip, rng) for _ in range(200)] for clip in range(3)]
    for found, count in zip(drawn, frames, strict=True):
        starts = {round(float(values[0, 0])) // 2 for values, _ in found}
        assert starts == set(range(max(count - 10, 0) + 1))
        assert {len(values) for values, _ in found} == {min(count, 10)}
        values, mask = found[0]
        # Up to what float32 loses in the exponential.
        expected = 2 * round(float(values[0, 0]) / 2) + np.arange(2.0 * len(values))
        np.testing.assert_allclose(values.ravel(), expected, rtol=1e-3, atol=1e-3)
        assert (values.dtype, mask.dtype) == (np.float32, bool)
    quick = FeatureWindows(clips, log_mel, settings_of(frames=10, **QUIET | {"tempo": 0.3}))
    lengths = [len(drawn_of(quick, 2, rng)[0]) for _ in range(200)]
    assert max(lengths) == 10
    assert {len(drawn_of(quick, 0, rng)[0]) for _ in range(200)} == {2, 3, 4}

    samples = np.arange(12.0)
    waveforms = WaveformWindows(lambda clip: samples[: 4 + 8 * clip], 10)
    assert {drawn_of(waveforms, 1, rng)[0].tolist()[0] for _ in range(50)} == {0, 1, 2}
    assert drawn_of(waveforms, 0, rng)[0].tolist() == [0, 1, 2, 3]


def test_learning_rate_rises_and_falls():
    settings = settings_of(epochs=10, warm_up=0.25, learning_rate=0.4)
    rate = optimizer_of(settings, steps=7)._learning_rate
    # 70 steps, of which a quarter, rounded up, are 18.
    for step in (0, 5, 18, 30, 69, 70):
        if step < 18:
            expected = 0.4 * step / 18
        else:
            expected = 0.4 * 0.5 * (1 + np.cos(np.pi * (step - 18) / 52))
        assert float(rate(step)) == pytest.approx(expected, abs=1e-7)
    constant = optimizer_of(settings_of(epochs=1, warm_up=0.0, learning_rate=0.4), steps=1)
    assert float(constant._learning_rate(0)) == pytest.approx(0.4)


def stepped(optimizer, steps=1, value=1.0):
    """A variable after steps of gradient `(30, 40)`."""
    variable = keras.Variable([value, value])
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.apply([keras.ops.array([30.0, 40.0])])
    return variable, keras.ops.convert_to_numpy(variable)


def test_sgd_with_momentum_clipping_and_decay():
    about = {"optimizer": "sgd", "epochs": 100, "warm_up": 0.0, "learning_rate": 0.1}
    _, found = stepped(optimizer_of(settings_of(clip_norm=1.0, weight_decay=0.5, **about), 10**6))
    # (30, 40) has a norm of 50.
    np.testing.assert_allclose(found, 1 - 0.1 * 0.5 - 0.1 * np.array([0.6, 0.8]), rtol=1e-5)
    settings = settings_of(clip_norm=None, weight_decay=0.0, momentum=0.5, **about)
    _, found = stepped(optimizer_of(settings, 10**6), steps=2)
    np.testing.assert_allclose(found, 1 - np.array([30, 40]) * 0.1 * (1 + 1.5), rtol=1e-5)


def test_adamw_and_averages():
    settings = settings_of(
        **{"ema": 0.75, "epochs": 100, "warm_up": 0.0, "learning_rate": 0.1, "weight_decay": 0.0}
    )
    optimizer = optimizer_of(settings, 10**6)
    assert isinstance(optimizer, keras.optimizers.AdamW)
    variable, found = stepped(optimizer, steps=3)
    # Steps of equal gradients are as long as the learning rate. The first average is the value.
    np.testing.assert_allclose(found, [0.7, 0.7], rtol=1e-5)
    optimizer.finalize_variable_values([variable])
    average = 0.75 * (0.75 * 0.9 + 0.25 * 0.8) + 0.25 * 0.7
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), average, rtol=1e-4)
    assert not optimizer_of(settings_of(), 10).use_ema


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_gradients_too_small_for_float16_count(precision):
    """Within the step 1e-8 is zero in float16; the optimiser gets and clips what it is."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", dtype=precision)
    # As in recipes, the layers have the precision, not the model around them.
    model = keras.Sequential([keras.Input((1,)), layer])
    about = {"optimizer": "sgd", "epochs": 100, "warm_up": 0.0, "learning_rate": 1e4}
    fixed = {"clip_norm": 5e-9, "weight_decay": 0.0, "momentum": 0.0}
    settings = settings_of(precision=precision, **about, **fixed)
    model.compile(optimizer_of(settings, 10**6), lambda _, y: 1e-8 * y)
    x = np.ones((4, 1), "float32")
    for _ in range(3):
        model.train_on_batch(x, x)
    np.testing.assert_allclose(1 - model.get_weights()[0], [[3 * 5e-9 * 1e4]], rtol=2e-3)


def normalized(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def test_distillation_equals_numpy():
    rng = np.random.default_rng(0)
    logits, own, other = (rng.normal(size=(5, n)).astype("float32") for n in (3, 4, 6))
    layer = CosineDistillation(weight=0.7)
    assert layer([logits, own, other]).shape == (5, 3)
    assert layer.losses == []
    assert np.array_equal(layer([logits, own, other], training=True), logits)
    kernel, bias = (keras.ops.convert_to_numpy(v) for v in layer.projection.variables)
    cosine = (normalized(own @ kernel + bias) * normalized(other)).sum(axis=1)
    assert float(layer.losses[0]) == pytest.approx(0.7 * (1 - cosine).mean(), rel=1e-5)


TINY = {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}


def tiny(**options):
    sizes = {"num_classes": 3, "num_mels": 8, "frames": 16, **TINY}
    return kr.models.create("conv_transformer", **{**sizes, **options})


def test_distillation_trains_the_student_alone():
    """The loss of a step is the cross-entropy and the distance; the teacher has no dropout."""
    student, teacher = tiny(dropout=0.0), tiny(units=12, dropout=0.5)
    teacher.trainable = False
    inputs = keras.Input((16, 8))
    logits, own, *_ = observed(student, [])(inputs)
    other = TeacherFeatures(teacher)(inputs)
    layer = CosineDistillation(0.5)
    model = keras.Model(inputs, layer([logits, own, other]))
    assert len(model.trainable_variables) == len(student.trainable_variables) + 2
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", entropy, run_eagerly=True)

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    own, other = (observed(m, [])(x, training=False)[1] for m in (student, teacher))
    layer([model(x), own, other], training=True)
    expected = float(entropy(y, model(x)))
    kernel, bias = (keras.ops.convert_to_numpy(v) for v in layer.projection.variables)
    own, other = (keras.ops.convert_to_numpy(value) for value in (own, other))
    cosine = (normalized(own @ kernel + bias) * normalized(other)).sum(axis=1)
    before = [keras.ops.convert_to_numpy(v) for v in teacher.variables]
    bare = model.train_on_batch(x, y)
    assert float(bare) == pytest.approx(expected + 0.5 * (1 - cosine).mean(), rel=1e-4)
    for variable, value in zip(teacher.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_shorter_batch_teaches_the_same():
    """The loss and all gradients, with a teacher of features: what fills up a window is nothing."""
    backbone, teacher = tiny(dropout=0.0), tiny(dropout=0.0)
    teacher.trainable = False
    model = training_model(backbone, RecipeSettings(spec_augment=False, frames=16), teacher=teacher)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    mask = np.arange(16) < np.array([[10], [9], [3], [7]])
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True)

    def loss(inputs):
        return entropy(y, model(inputs, training=True)) + sum(model.losses)

    whole = gradients(loss, model, [x, mask])
    short = gradients(loss, model, [x[:, :10], mask[:, :10]])
    assert len(whole) == len(backbone.trainable_variables) + 2
    for found, expected in zip(short, whole, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_latent_teacher():
    """Cross-entropies with the quantizers and without, and how far the one is from the other."""
    backbone = kr.quantize_aware(tiny(dropout=0.0), "scaled_sign")
    settings = RecipeSettings(
        quantizer="scaled_sign", latent_teacher=True, spec_augment=False, frames=16
    )
    model = training_model(backbone, settings)
    assert len(model.trainable_variables) == len(backbone.trainable_variables)
    model.compile("sgd", LatentTeacherLoss(label_smoothing=0.2))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    inputs, weights = [x, np.ones((4, 16), bool)], np.array([1.0, 2.0, 0.5, 1.0], "float32")

    def log_softmax(logits):
        logits = keras.ops.convert_to_numpy(logits).astype("float64")
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    on = log_softmax(backbone(x))
    with kr.quantizers.switched_off():
        off = log_softmax(backbone(x))
    assert np.abs(on - off).max() > 0.01
    smooth = 0.8 * y + 0.2 / 3
    each = -(smooth * (on + off)).sum(axis=1) + (np.exp(off) * (off - on)).sum(axis=1)
    before = [keras.ops.convert_to_numpy(v) for v in backbone.trainable_variables]
    loss = model.train_on_batch(inputs, y, sample_weight=weights)
    assert float(loss) == pytest.approx((weights * each).mean(), rel=1e-5)
    after = [keras.ops.convert_to_numpy(v) for v in backbone.trainable_variables]
    assert all(np.abs(a - b).max() > 0 for a, b in zip(after, before, strict=True))


def test_the_agreement_teaches_the_quantized_alone():
    logits = keras.Variable(np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32"))
    y = np.eye(3, dtype="float32")[[0, 2]]

    def loss(_):
        return keras.ops.sum(LatentTeacherLoss()(y, logits.value))

    class Holder:
        trainable_weights = (logits,)

    (found,) = gradients(loss, Holder, None)
    softmax = np.exp(keras.ops.convert_to_numpy(logits))
    softmax /= softmax.sum(axis=-1, keepdims=True)
    # Of the cross-entropy alone, for the latent weights; and of both for the quantized ones.
    np.testing.assert_allclose(found[:, 1], (softmax[:, 1] - y) / 2, atol=1e-6)
    expected = (2 * softmax[:, 0] - y - softmax[:, 1]) / 2
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.slow
def test_layer_teacher():
    """Cosines of every encoder layer's output, of valid frames alone, to the float copy's."""
    start = tiny(dropout=0.5, num_layers=2)
    start.trainable = False
    plain = tiny(dropout=0.0, num_layers=2)
    plain.set_weights(start.get_weights())
    backbone = kr.quantize_aware(plain, "ternary")
    names = encoder_layers(backbone)
    assert names == ["encoder_0", "encoder_1"]
    settings = RecipeSettings(
        quantizer="ternary", start="run", layer_teacher_weight=0.5, spec_augment=False, frames=16
    )
    model = training_model(backbone, settings, start=start)
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", entropy, run_eagerly=True)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    mask = np.arange(16) < np.array([[16], [9], [3], [0]])
    apart = []
    for name in names:
        own, other = (
            normalized(
                keras.ops.convert_to_numpy(
                    keras.Model(m.input, m.get_layer(name).output)(x, mask=mask, training=False)
                )
            )
            for m in (backbone, start)
        )
        # Two convolutions of stride 2: a frame here is valid if the fourth one of it is.
        valid = mask[:, ::4]
        apart.append((1 - (own * other).sum(axis=-1))[valid].mean())
    expected = float(entropy(y, backbone(x, mask=mask)))
    loss = model.train_on_batch([x, mask], y)
    assert min(apart) > 1e-3
    assert float(loss) == pytest.approx(expected + 0.5 * np.mean(apart), rel=1e-4)


def test_settings_of_quantizers():
    for settings, message in (
        ({"quantizer": "quaternary"}, "Input should be 'ternary'"),
        ({"latent_teacher": True}, "`latent_teacher` needs a `quantizer`"),
        ({"quantizer": "int4", "layer_teacher_weight": 1.0}, "and a `start`, which is the teach"),
        ({"quantizer": "int4", "folded": False}, "`folded` must be true with a `quantizer`"),
    ):
        with pytest.raises(ValueError, match=message):
            RecipeSettings(**settings)


def small_model(**options):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(5), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    )
    settings = settings_of(learning_rate=0.1, warm_up=0.0, **options)
    model.compile(
        optimizer_of(settings, 10), keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    model.optimizer.build(model.trainable_variables)
    return model


def values_of(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def train_a_little(model, epochs=1):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4)).astype("float32"), np.eye(2)[np.arange(12) % 2]
    model.fit(x, y, epochs=epochs, batch_size=4, shuffle=False, verbose=0)


@pytest.mark.slow
def test_validation_hears_the_averages_and_gives_the_weights_back():
    model = small_model(ema=0.5)
    train_a_little(model)
    # Keras has put the averages into the model at the end of `fit`; one more step parts them.
    model.optimizer.apply([keras.ops.ones_like(v) for v in model.trainable_variables])
    state = [*model.trainable_variables, *model.optimizer.variables]
    before = values_of(state)
    x, truth = np.eye(4, dtype="float32"), np.array([0, 1, 1])
    # What follows the last window does not count.
    callback = ValidationScores(
        model,
        np.concatenate([x, x[:2]]),
        [0, 1, 1, 2],
        np.array([4, 1, 3, 2]),
        lambda s: (truth, s.argmax(axis=1), s),
        classes_of(2),
        metrics=["ua"],
    )
    callback.set_model(model)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    for found, expected in zip(values_of(state), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    averages = values_of(model.optimizer._model_variables_moving_average)
    with averaged_weights(model):
        for found, expected in zip(values_of(model.trainable_variables), averages, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
        logits = model.predict(x, verbose=0)
    powers = np.exp(logits.astype("float64"))
    scores = powers / powers.sum(axis=1, keepdims=True)
    scores = np.stack([scores[0], scores[1:3].T @ [0.25, 0.75], scores[3]])
    assert logs["val_loss"] == pytest.approx(-np.log(scores[[0, 1, 2], truth]).mean(), rel=1e-4)
    right = scores.argmax(axis=1) == truth
    assert logs["val_ua"] == pytest.approx((right[0] + right[1:].mean()) / 2)

    model.optimizer._model_variables_moving_average[0].assign(np.full((4, 5), np.nan))
    with pytest.raises(ValueError, match="Training has diverged in epoch 3: the loss is 1.0"):
        callback.on_epoch_end(2, {"loss": 1.0})
    for found, expected in zip(values_of(model.trainable_variables), before, strict=False):
        np.testing.assert_array_equal(found, expected)


def test_checkpoint_has_every_state(tmp_path):
    """Weights, the optimiser's variables and the generators of dropout."""
    path = tmp_path / "checkpoint.npz"
    model = small_model(ema=0.5)
    train_a_little(model)
    state = [*model.variables, *model.optimizer.variables]
    assert any("seed" in variable.path for variable in state)
    write_variables(path, state, {"history": [{"loss": 0.1 + 0.2}]})
    before = values_of(state)
    train_a_little(model)
    later = values_of(state)
    assert any(not np.array_equal(a, b) for a, b in zip(before, later, strict=True))
    assert read_variables(path, state) == {"history": [{"loss": 0.1 + 0.2}]}
    for variable, value in zip(values_of(state), before, strict=True):
        np.testing.assert_array_equal(variable, value)
    train_a_little(model)
    for variable, value in zip(values_of(state), later, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_damaged_checkpoints(tmp_path):
    path = tmp_path / "checkpoint.npz"
    variables = [keras.Variable(np.arange(6.0).reshape(2, 3)), keras.Variable(7)]
    write_variables(path, variables, {"epoch": 3})
    content = path.read_bytes()
    before = values_of(variables)
    rng = np.random.default_rng(0)
    damaged = [b"", b"text", content[:-1], content[: len(content) // 2], content[:40]]
    for place in rng.integers(len(content), size=200):
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(changed))
    refused = 0
    for bad in damaged:
        path.write_bytes(bad)
        try:
            # A bit that nobody reads may be another one.
            assert read_variables(path, variables) == {"epoch": 3}
        except ValueError as error:
            refused += 1
            assert str(path) in str(error)
            assert "to begin anew" in str(error)
        for found, expected in zip(values_of(variables), before, strict=True):
            np.testing.assert_array_equal(found, expected)
    assert refused > 100
    path.write_bytes(content)
    with pytest.raises(ValueError, match="written by another model or version"):
        read_variables(path, variables[::-1])


@pytest.fixture(scope="module")
def teacher_run(tmp_path_factory):
    """The folder of a run with a model that nobody trained, and its front end."""
    run = RunFolder(tmp_path_factory.mktemp("teacher"))
    run.begin(RecipeSettings(), recipe="custom", labels=("a", "b", "c"), manifest="")
    log_mel = LogMel(num_mels=8)
    log_mel.adapt(np.random.default_rng(0).normal(size=(1, 50, 8)).astype("float32"))
    backbone = tiny()
    run.fold("1").mkdir()
    kr.models.with_front_end(backbone, log_mel).save(run.fold("1") / "light.keras")
    return run.path, log_mel, backbone


def test_teacher(teacher_run):
    folder, log_mel, backbone = teacher_run
    settings = settings_of(frames=16, teacher=str(folder))
    found = load_teacher(settings, "1", ["a", "b", "c"], log_mel)
    x = np.random.default_rng(1).normal(size=(2, 16, 8)).astype("float32")
    np.testing.assert_array_equal(found(x), backbone(x))
    assert found.trainable_variables == []
    assert load_teacher(settings_of(), "1", ["a"], log_mel) is None


def test_start(teacher_run):
    folder, log_mel, backbone = teacher_run
    settings = settings_of(
        frames=16,
        start=str(folder),
        quantizer="scaled_sign",
        backbone_options={**TINY, "norm_first": False},
    )
    start = load_start(settings, "1", ["a", "b", "c"], log_mel)
    own = create_backbone(settings, num_classes=3, num_mels=8, start=start)
    x = np.random.default_rng(1).normal(size=(2, 16, 8)).astype("float32")
    with kr.quantizers.switched_off():
        np.testing.assert_allclose(own(x), backbone(x), atol=1e-5)
    other = settings.model_copy(
        update={"backbone_options": {**settings.backbone_options, "units": 12}}
    )
    with pytest.raises(ValueError, match=r"same `backbone`, .*Received: start='.*parameters, for"):
        create_backbone(other, num_classes=3, num_mels=8, start=start)


def test_start_from_a_model_of_another_corpus(teacher_run):
    """Of other classes, windows and statistics: all but the classifier is its."""
    folder, log_mel, backbone = teacher_run
    settings = settings_of(
        frames=24,
        expansion=0,
        start=str(folder / "fold-1" / "light.keras"),
        backbone_options={**TINY, "norm_first": False},
    )
    start = load_start(settings, "9", ["d", "e"], LogMel(num_mels=8))
    own = create_backbone(settings, num_classes=2, num_mels=8, start=start)
    assert own.output_shape == (None, 2) and own.input_shape[1] == 24
    for layer in backbone.layers:
        same = [
            np.array_equal(mine, theirs)
            for mine, theirs in zip(
                own.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True
            )
            if mine.any() or theirs.any()
        ]
        assert same == [layer.name != "classifier"] * len(same), layer.name
    with pytest.raises(ValueError, match="same `backbone`"):
        create_backbone(settings, num_classes=2, num_mels=12, start=start)
    missing = settings.model_copy(update={"start": "none.keras"})
    with pytest.raises((OSError, ValueError), match=r"none\.keras"):
        load_start(missing, "9", ["d", "e"], log_mel)


@pytest.mark.slow
def test_pruned_training(tmp_path):
    """Under the layers of a training model; the kept epoch is one after the removal."""
    options = {**TINY, "norm_first": True}
    shape = {"num_classes": 3, "num_mels": 8}
    table = tmp_path / "table.json"
    light = create_backbone(settings_of(frames=16, expansion=0, backbone_options=options), **shape)
    parts = [(each.part, each.count) for each in prunable(light)[0]]
    steps = {name: [(1, 0.1), (width, 0.2)] for name, width in parts}
    kr.LatencyTable(milliseconds=1.0, parts=parts, steps=steps, measured={}).save(table)
    settings = settings_of(
        frames=16,
        expansion=2,
        quantizer="ternary",
        latent_teacher=True,
        backbone_options=options,
        prune_latency=1 - 0.05 * len(parts),
        prune_table=str(table),
        prune_rounds=1,
        spec_augment=False,
        epochs=3,
    )
    backbone = create_backbone(settings, **shape)
    # It calls the backbone twice.
    model = training_model(backbone, settings)
    model.compile("sgd", LatentTeacherLoss(), jit_compile=False)
    checkpoints = Checkpoints(
        tmp_path, backbone, [], metric="val_ua", patience=None, first=1, data_seconds=float
    )
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(4, 16, 8)).astype("float32"), np.ones((4, 16), bool)]
    scores = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(val_ua=0.5 - 0.1 * epoch)
    )
    callbacks = [kr.PruningRounds(settings.prune_rounds), scores, checkpoints]
    model.fit(x, np.eye(3)[[0, 1, 2, 0]], epochs=3, verbose=0, callbacks=callbacks)
    assert checkpoints.best["epoch"] == 2
    checkpoints.load_best()
    merged = kr.merge(backbone)
    now = [(each.part, each.count) for each in prunable(merged)[0]]
    assert kr.LatencyTable.load(table).predicted(now) <= settings.prune_latency
    for bad in ({"prune_table": None}, {"prune_rounds": 3}):
        with pytest.raises(ValueError, match="prune_"):
            RecipeSettings(**{**settings.model_dump(), **bad})


def test_teachers_that_can_not_teach(teacher_run, tmp_path):
    folder, log_mel, _ = teacher_run
    other = LogMel(num_mels=8)
    other.adapt(np.random.default_rng(9).normal(size=(1, 50, 8)).astype("float32"))
    cases = [
        ({"teacher": str(tmp_path)}, "1", "abc", log_mel, "that has trained fold 1"),
        ({}, "2", "abc", log_mel, "that has trained fold 2"),
        ({}, "1", "acb", log_mel, "same classes. Received: a, b, c, for a, c, b"),
        ({"frames": 17}, "1", "abc", log_mel, "as many frames. Received: 16, for 17"),
        ({}, "1", "abc", other, "the same clips"),
        ({}, "1", "abc", LogMel(num_mels=64), "same front end"),
    ]
    for change, fold, labels, front_end, message in cases:
        settings = settings_of(**{"frames": 16, "teacher": str(folder)} | change)
        front_end.build(None) if not front_end.built else None
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            load_teacher(settings, fold, list(labels), front_end)


@pytest.mark.parametrize("masked", [True, False])
def test_mixing_is_that_of_the_layer(masked):
    """Mixed identity matrices tell whom the layer mixes, and by what share."""
    rng = np.random.default_rng(3)
    inputs = (rng.normal(size=(6, 5, 3) if masked else (6, 5)).astype("float32"),)
    if masked:
        inputs += (rng.random((6, 5)) < 0.6,)
    targets, weights = np.eye(6, dtype="float32"), rng.random(6).astype("float32")
    layer = kr.audio.MixUp(alpha=0.8, seed=1)
    batch = dict(zip(("features", "mask"), inputs, strict=False))
    expected = layer({**batch, "targets": targets, "sample_weight": weights}, training=True)
    expected = {name: keras.ops.convert_to_numpy(value) for name, value in expected.items()}
    shares = expected["targets"]
    order = np.where(np.eye(6, dtype=bool), 0, shares).argmax(axis=1)
    order = np.where(np.diag(shares) > 1 - 1e-6, np.arange(6), order)
    found, own_targets, own_weights = mixed(inputs, targets, weights, order, np.diag(shares))
    for name, value in zip(("features", "mask"), found, strict=False):
        np.testing.assert_allclose(value, expected[name], atol=1e-6)
        assert value.dtype == expected[name].dtype
    np.testing.assert_allclose(own_targets, shares, atol=1e-6)
    np.testing.assert_allclose(own_weights, expected["sample_weight"], atol=1e-6)


MEAN_AND_STD = {"utterance_mean": True, "utterance_std": True}


@pytest.mark.parametrize("options", [{}, MEAN_AND_STD, {"level_normalization": True}])
def test_training_and_validation_normalise_as_the_front_end(options):
    rng = np.random.default_rng(4)
    values = rng.normal(-5, 2, (3, 20, 8)).astype("float16")
    mask = rng.random((3, 20)) < 0.7
    log_mel = LogMel(num_mels=8, **options)
    log_mel.adapt(values, mask=mask)
    expected = keras.ops.convert_to_numpy(log_mel.normalize(values, mask=mask))
    clips = [Features(*clip) for clip in zip(values, mask, strict=True)]

    class Corpus:
        def windows(self, example, frames):
            return [clips[example]]

    windows = FeatureWindows([[clip] for clip in clips], log_mel, settings_of(frames=20, **QUIET))
    drawn = [drawn_of(windows, number, np.random.default_rng(0)) for number in range(3)]
    (validation, _), *_ = ExampleWindows(Corpus(), range(3), log_mel, frames=20, batch_size=3)[0]
    for number in range(3):
        np.testing.assert_allclose(drawn[number][0], expected[number], atol=2e-5)
        np.testing.assert_allclose(validation[number], expected[number], atol=2e-5)


def test_nobody_validates_only_where_the_last_epoch_is_kept(tmp_path):
    example = Example(id="a", segments=(), label=0, speaker="1", sex="", decision="a")
    test = dataclasses.replace(example, id="b", speaker="2")
    fold = Fold(name="1", train=(example,), validation=(), tests={"test": (test,)})
    assert list(fold.splits) == ["train", "test"]
    with pytest.raises(ValueError, match="`select_on` must be 'last'.*Received: select_on='ua'"):
        train_fold(None, fold, classes_of(2), settings_of(), tmp_path / "fold", None)
    assert not list(tmp_path.iterdir())
