"""A comparison on a Ray cluster of two nodes on the loopback interface, one of which is killed."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from recipes.compare.cli import main
from recipes.compare.grid_folder import GridFolder
from tests.recipes.compare.test_pool import CORES, command, ids, predictions, with_settings

ROOT = Path(__file__).resolve().parents[3]
AXES = [
    *("corpora=[custom]", 'folds=["1"]', "seeds=[1]", "expansions=[0, 2]"),
    "ablations=[wider, frozen]",
]
NODE = {
    "node_ip_address": "127.0.0.1",
    "num_cpus": 1,
    "object_store_memory": 80_000_000,
    "include_dashboard": False,
}


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of a core each: the cluster, and the one that isn't its head."""
    pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args=NODE)
    second = made.add_node(**NODE)
    made.wait_for_nodes()
    yield made, second
    made.shutdown()


@pytest.fixture
def broken_cluster(monkeypatch, request):
    """A cluster whose workers end as they start: they refuse to write into an environment."""
    monkeypatch.setenv("VIRTUAL_ENV", tempfile.gettempdir())
    return request.getfixturevalue("cluster")


def training(folder):
    """Runs that have trained an epoch and are not done."""
    return list((folder.path / "working").glob("*/run/fold-*/history.csv"))


@pytest.mark.nightly
def test_every_result_appears_once_though_a_node_is_lost(tmp_path, prepared, cluster, capsys):
    made, second = cluster
    folder = GridFolder(tmp_path / "grid")
    own = command("run", folder.path, prepared, "--ray", made.address, "--threads", "1")
    with (tmp_path / "out.txt").open("w") as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "recipes.compare", *own, *AXES, with_settings(epochs=8)],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    # Both nodes are at work.
    late = time.monotonic() + 300
    while len(training(folder)) < 2:
        assert run.poll() is None and time.monotonic() < late, (tmp_path / "out.txt").read_text()
        time.sleep(0.05)
    made.remove_node(second, allow_graceful=False)
    run.wait(timeout=900)
    assert run.returncode == 0, (tmp_path / "out.txt").read_text()
    assert len(ids(folder)) == 4
    assert not (folder.path / "failed").exists()
    assert not list((folder.path / "working").iterdir())
    logs = [path.read_text(encoding="utf-8") for path in (folder.path / "logs").iterdir()]
    done = sorted(sum(line.endswith(": done") for line in log.splitlines()) for log in logs)
    assert done == [1, 1, 1, 1]
    # One of them was begun on the lost node, and went on on the other one.
    assert sum("goes on after epoch" in log for log in logs) == 1
    # It has come out as on one machine.
    alone = GridFolder(tmp_path / "alone")
    again = command("run", alone.path, prepared, "--workers", CORES, *AXES, with_settings(epochs=8))
    assert main(again) == 0
    assert predictions(folder) == predictions(alone)


@pytest.mark.slow
def test_no_worker_starts(tmp_path, prepared, broken_cluster, run_python):
    made, _ = broken_cluster
    own = command("run", tmp_path / "grid", prepared, "--ray", made.address)
    code = (
        "import sys\n"
        "from recipes.compare.cli import main\n"
        "from recipes.compare.running import ray_cluster\n"
        "ray_cluster._PATIENCE = 10.0\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    child = run_python("-c", code, *own, *AXES)
    assert child.returncode == 2
    assert child.stderr.startswith("compare: no worker of a Ray cluster at 127.0.0.1:"), (
        child.stderr
    )
    assert "raylet.err" in child.stderr
    assert len(child.stderr.splitlines()) == 1
