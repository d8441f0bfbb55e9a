"""`python -m clusters.simulator`: serves a world, or with `replay` many synthetic pods, until stopped."""

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

from clusters.simulator import control, fleet, folder, lifeline, replay, wire, world


def _share(text: str) -> float:
    """`1%` or `0.01`."""
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < share <= 1:
        raise ValueError(text)
    return share


def _arguments() -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, required=True, help="folder for keys, kubeconfigs and control.json")
    common.add_argument("--control-port", type=int, default=0, help="0 lets the system choose (default)")
    common.add_argument(
        "--lifeline",
        choices=("none", "parent", "stdin"),
        default="none",
        help="end with the parent process, or when standard input is closed",
    )
    parser = argparse.ArgumentParser(prog="python -m clusters.simulator", description=__doc__, parents=[common])
    parser.add_argument("--world", type=Path, help="JSON file of clusters; more may be loaded by the control endpoint")
    parser.set_defaults(mode="serve")
    modes = argparse.ArgumentParser(prog="python -m clusters.simulator replay", parents=[common])
    modes.add_argument("--pods", type=int, default=10_000)
    modes.add_argument("--page", type=int, default=500, help="the largest page, whatever limit a client asks for")
    modes.add_argument("--changed", type=_share, default=0.01, help="share of pods an advance changes: 1%% or 0.01")
    modes.set_defaults(mode="replay")
    if sys.argv[1:2] == ["replay"]:
        return modes.parse_args(sys.argv[2:])
    return parser.parse_args()


async def _load(running: fleet.Fleet, state: folder.StateFolder, options: argparse.Namespace) -> replay.Replay | None:
    """Starts every cluster; in replay mode gives the pods that can be advanced."""
    if options.mode == "replay":
        replayed = replay.Replay(options.pods, options.changed)
        described = world.read_cluster(replayed.world())
        replayed.fill(await running.load(described, largest_page=options.page))
        return replayed
    named = [world.read_cluster(body) for body in world.read_file(options.world)] if options.world else []
    kept = [world.read_cluster(body) for body in state.worlds()]
    slugs = {described.slug for described in named}
    for described in named + [described for described in kept if described.slug not in slugs]:
        await running.load(described)
    return None


async def _serve(options: argparse.Namespace, state: folder.StateFolder) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if options.lifeline == "stdin":
        await lifeline.follow_stdin(stopped.set)
    running = fleet.Fleet(state)
    replayed = await _load(running, state, options)
    secret = secrets.token_urlsafe(32)
    endpoint = control.Control(running, secret, stopped.set, replayed)
    connections: set[wire.Connection] = set()
    server = await loop.create_server(
        lambda: wire.Connection(endpoint.answer, connections), fleet.HOST, options.control_port
    )
    port = server.sockets[0].getsockname()[1]
    document = {"address": f"http://{fleet.HOST}:{port}", "secret": secret, "pid": os.getpid()}
    state.write_control(document)
    # One line tells a waiting parent that everything answers.
    ready = {"ready": True, "clusters": len(running.overview()), "control": str(state.path / "control.json")}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()
    for connection in list(connections):
        connection.drop()
    await running.close()


def main() -> int:
    options = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if options.lifeline == "parent":
        lifeline.follow_parent()
    try:
        state = folder.StateFolder(options.state)
    except folder.BusyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        asyncio.run(_serve(options, state))
    except world.WorldError as error:
        sys.stderr.write(f"world: {error}\n")
        return 1
    finally:
        state.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
