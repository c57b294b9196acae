from keras_reparam.benchmarks.turns import take_turns


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
