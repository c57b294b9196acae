"""`keras-reparam listen`: a microphone's scores until Ctrl-C."""

import contextlib
import dataclasses
import json
import sys

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from keras_reparam.deploy.runtime.classifier import load_classifier
from keras_reparam.microphone.microphone import Microphone, list_microphones


def show_devices(console: Console, *, as_json: bool) -> None:
    """Prints every microphone; Raises as `list_microphones`."""
    found = list_microphones()
    if as_json:
        print(json.dumps([dataclasses.asdict(info) for info in found], indent=1))
        return
    table = Table("device", "name", "channels", "sample rate", "")
    for info in found:
        default = "default" if info.default else ""
        row = (str(info.index), Text(info.name), str(info.channels), f"{info.sample_rate} Hz")
        table.add_row(*row, default)
    console.print(table if found else "There is no microphone.")


def listen(
    model: str | None,
    console: Console,
    *,
    device: str | None,
    silence_decibels: float,
    as_json: bool,
) -> None:
    """Shows what `Classifier.stream` says of a microphone until Ctrl-C, the way it is meant to end.

    Raises:
        ImportError, OSError, ValueError: As `load_classifier` and `Microphone`.
    """
    classifier = load_classifier(model, silence_decibels=silence_decibels)
    microphone = Microphone(device, sample_rate=classifier.sample_rate)
    results = classifier.stream(microphone.chunks(), microphone.sample_rate)
    seconds = classifier.window / classifier.sample_rate
    waiting = Text(
        f"Listening to {microphone.info.name}. The first answer comes after {seconds:g} s; Ctrl-C "
        "ends it."
    )
    with contextlib.suppress(KeyboardInterrupt):
        if as_json:
            for result in results:
                print(json.dumps(result.as_dict(), ensure_ascii=False), flush=True)
        else:
            with Live(waiting, console=console, auto_refresh=False) as live:
                live.refresh()
                for result in results:
                    title = f"{microphone.info.name}, {result.start:.1f} to {result.end:.1f} s"
                    # Bars that change places can't be followed.
                    live.update(result.table(title, sort=False), refresh=True)
    if microphone.overflows:
        print(
            f"keras-reparam: sound was lost {microphone.overflows} times: the machine was too busy",
            file=sys.stderr,
        )
