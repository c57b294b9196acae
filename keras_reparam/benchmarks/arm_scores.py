"""Scores of clips, for a Python that has NumPy and LiteRT alone: run by its path, under emulation.

`arm_scores.py CLIPS.npy FILE.tflite ...` prints where LiteRT's kernels lie in memory (`START..END`,
as QEMU's `-dfilter` has it), then one line of JSON per file and clip, as it comes.
"""

import json
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

_LIBRARY = "libpywrap_litert_common.so"


def _addresses() -> str:
    with open("/proc/self/maps", encoding="utf-8") as file:
        (code,) = [line for line in file if _LIBRARY in line and " r-xp " in line]
    start, end = code.split()[0].split("-")
    return f"0x{start}..0x{end}"


if __name__ == "__main__":
    print(_addresses(), flush=True)
    clips = np.load(sys.argv[1])
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            interpreter = Interpreter(model_content=file.read(), num_threads=1)
        interpreter.allocate_tensors()
        (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
        for clip in clips:
            interpreter.set_tensor(source["index"], clip[None])
            interpreter.invoke()
            scores = interpreter.get_tensor(result["index"])[0]
            print(json.dumps(scores.tolist()), flush=True)
