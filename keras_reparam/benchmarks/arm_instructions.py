"""How many instructions an ARM core executes for one inference, counted by an emulator."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_reparam.benchmarks.arm_environment import ArmPython


def instructions_per_inference(
    python: ArmPython, script: Path, model: Path, clip: np.ndarray, *, cpu: str
) -> int:
    """Instructions in LiteRT's library for one inference more: of two less those of one.

    What the C library executes for it (memory, mathematical functions) is not among them, nor
    what the first inference alone does. QEMU logs every block of instructions that it executes,
    300 MB for a light model; the log is temporary.

    Args:
        python: The emulated Python.
        script: `arm_scores.py`.
        model: A `.tflite` file.
        clip: float32 array `(samples,)`, its input.
        cpu: QEMU's name of the core.

    Returns:
        The count.

    Raises:
        RuntimeError: If the emulated program fails, or lies elsewhere in memory when it is logged.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "0.npy", np.stack([clip])[:0])
        core = ("-cpu", cpu)
        addresses = "".join(python.run(script, folder / "0.npy", model, qemu=core)).strip()
        counts = []
        for inferences in (1, 2):
            clips, log = folder / f"{inferences}.npy", folder / "log"
            np.save(clips, np.stack([clip] * inferences))
            # Unchained: else a block that jumps to itself or to another is logged once.
            logged = (*core, "-d", "in_asm,exec,nochain", "-dfilter", addresses, "-D", log)
            found, *_ = python.run(script, clips, model, qemu=logged)
            if found.strip() != addresses:
                raise RuntimeError(
                    f"LiteRT lies at {found.strip()} when logged, else at {addresses}."
                )
            with log.open(encoding="ascii", errors="replace") as file:
                counts.append(count_instructions(file))
    return counts[1] - counts[0]


def count_instructions(log: Iterable[str]) -> int:
    """Instructions executed, by QEMU's log of blocks (`-d in_asm,exec,nochain`).

    A block is listed when it is translated: `IN: `, then one line `0xADDRESS: ...` for each of its
    instructions; and traced whenever it is executed: `Trace 0: 0x... [.../ADDRESS/.../...] `.
    """
    lengths: dict[int, int] = {}
    executed: Counter[int] = Counter()
    for listed, lines in itertools.groupby(log, key=lambda line: line.startswith("0x")):
        if listed:
            addresses = [line[: line.index(":")] for line in lines]
            lengths[int(addresses[0], 16)] = len(addresses)
        else:
            traces = (line for line in lines if line.startswith("Trace"))
            executed.update(int(line.split("/", 2)[1], 16) for line in traces)
    return sum(times * lengths[address] for address, times in executed.items())
