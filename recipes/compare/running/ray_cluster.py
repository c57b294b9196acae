"""Trains on the machines of a Ray cluster."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run
from recipes.compare.running.progress import GridProgress
from recipes.compare.running.threads import environment_of

_RETRIES = 3
_ASK_AGAIN = 5.0
# A worker has a minute to start, by Ray's default.
_PATIENCE = 120.0


def run_on_ray(
    runs: Sequence[Run],
    folder: GridFolder,
    *,
    address: str,
    prepared: Path,
    threads: int,
    progress: GridProgress,
) -> None:
    """Starts runs in their order, as many at a time as the cluster has cores for.

    A run whose process or machine is lost is started again, on another machine if need be, and
    goes on from its last epoch. However often it was begun, its result appears once.

    Args:
        runs: What to run.
        folder: Of the comparison, on a file system that all machines share.
        address: Of the cluster, as `ray.init` takes it.
        prepared: Where the corpora are prepared; shared, too.
        threads: Cores for each run.
        progress: What is shown meanwhile.

    Raises:
        ValueError: If Ray is not installed.
        ConnectionError: If there is no cluster at the address, or it starts no worker.
    """
    # It would report on its use otherwise.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ValueError(
            "`--ray` needs Ray: python -m pip install -e '.[recipes,cluster]'"
        ) from error
    _wait_for_a_worker(address)
    ray.init(
        address=address,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": environment_of(threads)},
    )
    try:
        attempt = ray.remote(num_cpus=threads, max_retries=_RETRIES)(_attempt)
        waiting = {
            attempt.options(name=run.name).remote(run, folder.path, prepared): run for run in runs
        }
        while waiting:
            ended, _ = ray.wait(list(waiting), timeout=1.0)
            progress.update([run for run in waiting.values() if folder.running(run)])
            for reference in ended:
                run = waiting.pop(reference)
                _note(ray, reference, run, folder)
                progress.ended(run)
    finally:
        ray.shutdown()


def _wait_for_a_worker(address: str) -> None:
    """Connects in another process, which can be ended.

    Where nothing answers, or the first worker fails to start, `ray.init` waits for ever, and not
    even Ctrl-C ends it (https://github.com/ray-project/ray/issues/40131). All other errors are for
    the caller to meet.
    """
    try:
        subprocess.run(
            [sys.executable, "-c", "import ray, sys; ray.init(sys.argv[1])", address],
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        raise ConnectionError(
            f"no worker of a Ray cluster at {address} in {_PATIENCE:.0f} seconds. If "
            f"`ray status --address {address}` shows the cluster, its logs say why it starts none: "
            "raylet.err, by default in /tmp/ray/session_latest/logs"
        ) from None


def _note(ray, reference, run: Run, folder: GridFolder) -> None:
    """Notes as failed what no attempt could note itself."""
    try:
        ray.get(reference)
    except ray.exceptions.RayError as error:
        if folder.done(run) is None:
            reason = str(error).strip().splitlines()[0]
            folder.fail(run, f"lost {_RETRIES + 1} times by Ray: {reason}")


def _attempt(run: Run, path: Path, prepared: Path) -> None:
    """What a worker of Ray does."""
    from recipes.compare.running.attempt import attempt

    while True:
        try:
            attempt(run, GridFolder(path), prepared)
            return
        except BlockingIOError:
            # A former attempt whose machine was only cut off: its result is as good.
            time.sleep(_ASK_AGAIN)
