import pytest

from keras_reparam._utils.turns import take_turns


def test_turns_measure_every_step_of_every_round():
    calls = []
    steps = [lambda name=name: calls.append(name) for name in "abc"]
    seconds = take_turns(steps, rounds=4, warmup=2, description="Turns")
    assert seconds.shape == (4, 3)
    assert (seconds > 0).all()
    rounds = ["".join(calls[i : i + 3]) for i in range(0, len(calls), 3)]
    assert rounds == ["bca", "cab", "abc", "bca", "cab", "abc"]


def test_cached_steps_run_twice_in_their_turn():
    calls = []
    steps = [lambda name=name: calls.append(name) for name in "ab"]
    assert take_turns(steps, rounds=2, warmup=0, description="Turns", cached=True).shape == (2, 2)
    assert "".join(calls) == "aabb" + "bbaa"


def test_another_clock():
    ticks = iter(range(100))
    steps = [lambda: next(ticks)] * 2
    seconds = take_turns(steps, rounds=3, warmup=1, description="Turns", clock=lambda: next(ticks))
    assert (seconds == 2).all()


@pytest.mark.parametrize("rounds", [0, -1, 2.0, True])
def test_bad_rounds(rounds):
    with pytest.raises(ValueError, match="`rounds` must be a positive integer. Received: rounds="):
        take_turns([], rounds, warmup=5, description="Turns")
