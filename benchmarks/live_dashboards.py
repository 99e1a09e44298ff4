"""Does every query of the dashboards return data while a run goes on?

    python -m benchmarks.live_dashboards [--seconds 60]

Runs 30 users against the simulated platform, on local Ray, with a Pushgateway and a Prometheus that scrapes every five
seconds, and asks `raysim dashboards check --prometheus` in the middle of the run and after its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep

from benchmarks.live_metrics import SETTLED_S, start
from tests.services.monitoring import Prometheus, monitoring

_LOOK_S = 0.25


def check(prometheus: Prometheus) -> int:
    """Print what the check says; its exit status."""
    command = [sys.executable, "-m", "raysim", "dashboards", "check", "--prometheus", prometheus.url]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """The exit status: 1 when a query had no data that should have some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the run")
    options = parser.parse_args()
    with monitoring("5s") as (gateway, prometheus), tempfile.TemporaryDirectory() as folder:
        run = start(Path(folder), gateway.url, options.seconds)
        while run.going_on() and prometheus.value("loadtest_run_duration_seconds") is None:
            sleep(_LOOK_S)
        sleep(options.seconds * 0.6)
        print("in the middle of the run:", flush=True)
        middle = check(prometheus) if run.going_on() else 1
        run.read()
        sleep(SETTLED_S)
        print("after its end:", flush=True)
        end = check(prometheus)
        left = prometheus.value("sum(loadtest_run_phase)")
    print(f"phases that the last push says are going on: {left}")
    return 0 if middle == 0 and end == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
