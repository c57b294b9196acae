"""Stand-ins for Android's system libraries, so that a library built for Android loads on Linux.

    python3 host_runtime.py libtensorflowlite_jni.so OUT_DIR

For tests only. Writes the sources of libc.so, libm.so, libdl.so and liblog.so with exactly the
symbols that the given library asks of them, under the symbol version that it asks for. Each one
jumps to glibc's function of the same name. Where the two C libraries differ, it jumps to a
function `host_<name>` of host_runtime.c. host_runtime.sh compiles what this writes.

Fails with the names of symbols that neither has.
"""

import ctypes
import re
import subprocess
import sys
from pathlib import Path

# Functions that glibc has under another name.
RENAMED = {
    "__errno": "__errno_location",
    "__strlen_chk": "strlen",
    "strerror_r": "__xpg_strerror_r",
}
# Data, with its size in bytes: bionic's stdin, stdout and stderr, which host_runtime.c recognises
# by their address.
DATA = {"__sF": 3 * 152}
LIBRARIES = {"libc.so": "libc.so.6", "libm.so": "libm.so.6", "libdl.so": "libc.so.6"}
# Symbols without a version come from here.
UNVERSIONED = {"__android_log_vprint": "liblog.so"}


def main() -> None:
    library, out = Path(sys.argv[1]), Path(sys.argv[2])
    wrappers = Path(__file__).with_name("host_runtime.c").read_text()
    wrapped = set(re.findall(r"\bhost_(\w+)\(", wrappers))
    unknown = []
    for soname, names in sorted(imports(library).items()):
        functions = {}
        for name in sorted(names - DATA.keys()):
            if name in wrapped:
                functions[name] = "host_" + name
            else:
                functions[name] = RENAMED.get(name, name)
                if not in_glibc(soname, functions[name]):
                    unknown.append(f"{name} of {soname}")
        data = sorted(names & DATA.keys())
        (out / f"{soname}.S").write_text(assembly(soname, functions, data))
        (out / f"{soname}.map").write_text(version_script(names))
    if unknown:
        sys.exit(f"{library.name} asks for what glibc does not have: {', '.join(unknown)}")


def imports(library: Path) -> dict[str, set[str]]:
    """Names that a library takes from each of the libraries it needs."""
    versions = readelf("--version-info", library).split("version_r", 1)[1]
    sonames, soname = {}, ""
    for line in versions.splitlines():
        if found := re.search(r"File: (\S+)", line):
            soname = found[1]
        elif found := re.search(r"Name: LIBC .*Version: (\d+)", line):
            sonames[found[1]] = soname
    names: dict[str, set[str]] = {needed: set() for needed in [*LIBRARIES, "liblog.so"]}
    for line in readelf("--dyn-syms", library).splitlines():
        found = re.search(r"(GLOBAL|WEAK) +DEFAULT +UND (\w+)(?:@LIBC \((\d+)\))?", line)
        if not found:
            continue
        binding, name, version = found.groups()
        if version:
            names[sonames[version]].add(name)
        elif name in UNVERSIONED:
            names[UNVERSIONED[name]].add(name)
        elif binding == "GLOBAL":
            sys.exit(f"{library.name} asks for {name}, of a library that is not known")
    return names


def readelf(option: str, library: Path) -> str:
    command = ["readelf", "--wide", option, str(library)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def in_glibc(soname: str, function: str) -> bool:
    return hasattr(ctypes.CDLL(LIBRARIES[soname]), function)


def assembly(soname: str, functions: dict[str, str], data: list[str]) -> str:
    """Jumps through a table that host_resolve fills when the stand-in is loaded."""
    lines = [".text"]
    for index, name in enumerate(functions):
        lines += [
            f".globl {name}",
            f".type {name}, @function",
            f"{name}: jmp *host_table+{8 * index}(%rip)",
            f".size {name}, . - {name}",
        ]
    lines += ["host_load:", "leaq host_names(%rip), %rdi", "leaq host_table(%rip), %rsi"]
    lines += ["jmp host_resolve@PLT", '.section .init_array, "aw"', ".quad host_load"]
    lines += [".section .rodata", "host_names:"]
    lines += [f'.asciz "{target}"' for target in functions.values()]
    lines += [".byte 0", ".bss", ".balign 32", f"host_table: .zero {8 * len(functions) + 8}"]
    for name in data:
        lines += [".balign 32", f".globl {name}", f".type {name}, @object"]
        lines += [f"{name}: .zero {DATA[name]}", f".size {name}, {DATA[name]}"]
    lines.append('.section .note.GNU-stack, "", @progbits')
    return "\n".join([f"/* Stand-in for {soname} */", *lines, ""])


def version_script(names: set[str]) -> str:
    exported = "".join(f" {name};" for name in sorted(names))
    return "LIBC {" + (f" global:{exported}" if exported else "") + " local: *; };\n"


if __name__ == "__main__":
    main()
