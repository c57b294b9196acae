"""What memory a process took at most. Imports no library, which would take some itself."""

from pathlib import Path


def peak_memory() -> float:
    """Peak resident set of this process so far, in MB.

    Linux's `ru_maxrss` starts a child at its parent's peak; `VmHWM` is the process's own.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        kilobytes = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(kilobytes.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
