"""The test bed by hand.

python -m tests.testbed build              builds what is missing, with its progress
python -m tests.testbed run                two whole clusters with three nodes each, until Ctrl-C
python -m tests.testbed run --bare         kube-apiservers alone
"""

import argparse
import signal
import sys
import threading
import time
from types import FrameType

from tests.testbed import build, control_plane, objects, places, processes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description="Real Kubernetes on 127.0.0.1.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build what is missing")
    run = commands.add_parser("run", help="start clusters and print a kubeconfig for each, until Ctrl-C")
    run.add_argument("--bare", action="store_true", help="kube-apiservers alone: no controllers, no nodes")
    run.add_argument("--clusters", type=int, default=2, metavar="N", help="how many (2)")
    run.add_argument("--nodes", type=int, default=3, metavar="N", help="nodes made in each (3)")
    chosen = parser.parse_args()
    try:
        if chosen.command == "build":
            begun = time.monotonic()
            build.build()
            print(f"the test bed is complete in {places.cache()} ({time.monotonic() - begun:.0f} s)")
        else:
            _run(bare=chosen.bare, clusters=chosen.clusters, nodes=chosen.nodes)
    except (places.Missing, processes.NotStarted) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(*, bare: bool, clusters: int, nodes: int) -> None:
    over = threading.Event()

    def end(signal_number: int, frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    begun = time.monotonic()
    plans = [control_plane.Plan(f"cluster-{number}", bare=bare) for number in range(1, clusters + 1)]
    with control_plane.start(*plans) as bed:
        print(
            f"{len(plans)} clusters ready after {time.monotonic() - begun:.1f} s; Ctrl-C ends them.",
            flush=True,
        )
        for cluster in bed.clusters.values():
            for number in range(0 if bare else nodes):
                cluster.api.create(objects.node(f"{cluster.name}-node-{number + 1}"))
            print(f"KUBECONFIG={cluster.kubeconfig_file}", flush=True)
        if not bare:
            print(f"kubectl: {build.locate('kubectl')['kubectl']}", flush=True)
        over.wait()


if __name__ == "__main__":
    sys.exit(main())
