"""What a speed figure was measured on: every figure names its CPU."""

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path


def environment(*packages: str) -> dict[str, str | int | float | None]:
    """CPU, cores this process may use, load, Python, and installed versions of `packages`.

    The load is the mean number of processes that ran or waited in the last minute (`None` where
    the system does not tell). At half the cores or more, absolute times say little; ratios of
    measurements that take turns still do.

    Example:

    >>> found = environment("numpy")
    >>> sorted(found)
    ['cores', 'cpu', 'load', 'numpy', 'python']
    """
    versions = {package: metadata.version(package) for package in packages}
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **versions,
    }


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def described(found: Mapping[str, object]) -> str:
    """What `environment` found, in one line.

    Example:

    >>> described({"cpu": "some CPU", "cores": 2})
    'cpu some CPU, cores 2'
    """
    return ", ".join(f"{key} {value}" for key, value in found.items())


def cpu_name() -> str:
    """The CPU's name as Linux tells it, with the vector extensions that speed depends on."""
    file = Path("/proc/cpuinfo")
    if not file.is_file():
        return platform.processor() or platform.machine()
    lines = [line.split(":", 1) for line in file.read_text().splitlines() if ":" in line]
    about = {key.strip(): value.strip() for key, value in reversed(lines)}
    flags = about.get("flags", "").split()
    extensions = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx_vnni") if flag in flags]
    return " ".join([about.get("model name", platform.machine()), *extensions])
