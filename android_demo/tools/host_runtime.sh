#!/usr/bin/env bash
# Makes a library of Android's x86_64 build loadable on x86_64 Linux. For tests only.
#
#   host_runtime.sh libtensorflowlite_jni.so OUT_DIR
#
# Writes libc.so, libm.so, libdl.so and liblog.so to OUT_DIR (see host_runtime.py), and the library
# beside them. Load these four in this order and then the library, by their full paths.
# Needs gcc, python3 and readelf (Debian: gcc python3 binutils).
set -euo pipefail
library=$1
out=$2
tools=$(dirname "${BASH_SOURCE[0]}")

for tool in gcc python3 readelf; do
    if ! command -v "$tool" >/dev/null; then
        echo "host_runtime.sh: $tool is missing. Debian: apt-get install gcc python3 binutils" >&2
        exit 1
    fi
done
mkdir -p "$out"
python3 "$tools/host_runtime.py" "$library" "$out"
gcc -O1 -fPIC -shared -Wall -Wextra -Werror -Wl,-soname,libhost_runtime.so \
    -o "$out/libhost_runtime.so" "$tools/host_runtime.c" -ldl
for name in libc.so libm.so libdl.so liblog.so; do
    gcc -nostdlib -shared -Wl,-soname,"$name" -Wl,--version-script,"$out/$name.map" \
        -Wl,-rpath,'$ORIGIN' -o "$out/$name" "$out/$name.S" -L"$out" -lhost_runtime
    rm "$out/$name.S" "$out/$name.map"
done
cp -f "$library" "$out/"
