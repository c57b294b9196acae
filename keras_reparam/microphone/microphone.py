"""A microphone, by PortAudio. Imports neither Keras nor TensorFlow."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_reparam._utils.quiet import quiet

_CHUNK_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class MicrophoneInfo:
    """A device that can record.

    Attributes:
        index: PortAudio's number for it.
        name: As the system has it.
        channels: How many it can record at most.
        sample_rate: Its own.
        default: Whether the system takes it when none is named.
    """

    index: int
    name: str
    channels: int
    sample_rate: int
    default: bool


def list_microphones() -> list[MicrophoneInfo]:
    """Every device that can record, in PortAudio's order.

    Raises:
        ImportError: If sounddevice is not installed.
        OSError: If PortAudio is not.
    """
    sounddevice = _sounddevice()
    default, _ = sounddevice.default.device
    return [
        MicrophoneInfo(
            index=device["index"],
            name=device["name"],
            channels=device["max_input_channels"],
            sample_rate=round(device["default_samplerate"]),
            default=device["index"] == default,
        )
        for device in sounddevice.query_devices()
        if device["max_input_channels"] > 0
    ]


class Microphone:
    """One microphone, at the sample rate asked for if it can, else at its own.

    Args:
        device: Its number, or a part of its name, whatever the case; `None`: the system's default.
        sample_rate: Samples per second that are wanted.

    Attributes:
        info: The device.
        sample_rate: What it records at.
        overflows: How often sound was lost because nobody fetched it.

    Raises:
        ImportError: If sounddevice is not installed.
        OSError: If PortAudio is not, or there is no microphone.
        ValueError: If no microphone, or several, are what `device` says.
    """

    def __init__(self, device: int | str | None, *, sample_rate: int) -> None:
        self.info = _chosen(device, list_microphones())
        self.overflows = 0
        self.sample_rate = sample_rate
        sounddevice = _sounddevice()
        try:
            with quiet():
                sounddevice.check_input_settings(**self._settings())
        except sounddevice.PortAudioError:
            # What is wrong besides the rate is told when it is opened.
            self.sample_rate = self.info.sample_rate

    def chunks(self) -> Iterator[np.ndarray]:
        """Float32 arrays `(samples,)` of a tenth of a second, for ever; it records meanwhile.

        Raises:
            OSError: If it can't be opened, or is taken away.
        """
        sounddevice = _sounddevice()
        size = round(_CHUNK_SECONDS * self.sample_rate)
        try:
            with sounddevice.InputStream(**self._settings(), latency="high") as stream:
                while True:
                    chunk, overflowed = stream.read(size)
                    self.overflows += overflowed
                    yield chunk[:, 0]
        except sounddevice.PortAudioError as error:
            raise OSError(
                f"The microphone '{self.info.name}' can't be heard: {error}. Another program may "
                "be using it, or it was taken away; --list-devices names the others"
            ) from error

    def _settings(self) -> dict[str, Any]:
        return {
            "device": self.info.index,
            "channels": 1,
            "dtype": "float32",
            "samplerate": self.sample_rate,
        }


def _chosen(device: int | str | None, known: list[MicrophoneInfo]) -> MicrophoneInfo:
    if not known:
        raise OSError("There is no microphone. Connect one, or allow it in the system's settings")
    names = ", ".join(f"{info.index} '{info.name}'" for info in known)
    if device is None:
        # A system may name no default and have microphones.
        return next((info for info in known if info.default), known[0])
    if isinstance(device, str) and device.isdecimal():
        device = int(device)
    if isinstance(device, int):
        found = [info for info in known if info.index == device]
    else:
        exact = [info for info in known if info.name == device]
        part = [info for info in known if device.casefold() in info.name.casefold()]
        found = exact[:1] or part
    if len(found) != 1:
        raise ValueError(
            f"--device must be the number or a part of the name of one of: {names}. "
            f"Received: {device!r}, which is {'none' if not found else 'several'} of them"
        )
    return found[0]


def _sounddevice() -> Any:
    # PortAudio's back ends complain on the screen of every system that is not there.
    try:
        with quiet():
            import sounddevice
    except ImportError:
        failure: Exception = ImportError(
            "Listening needs sounddevice: python -m pip install 'keras-reparam[microphone]'"
        )
    except OSError as error:
        failure = OSError(
            f"Listening needs PortAudio: {error}. On Debian and Ubuntu install libportaudio2"
        )
    else:
        return sounddevice
    raise failure
