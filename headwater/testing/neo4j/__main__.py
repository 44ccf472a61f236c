"""``python -m headwater.testing.neo4j``: a server in the foreground; its URL goes to stdout."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from types import FrameType

from headwater.testing.neo4j.install import InstallError
from headwater.testing.neo4j.server import Neo4jServer, ServerError


def main() -> None:
    """Run a server until it is interrupted, or until another process is gone."""
    parser = argparse.ArgumentParser(prog="headwater.testing.neo4j", description=main.__doc__)
    parser.add_argument("--brief", action="store_true", help="start sooner, run slower")
    parser.add_argument("--while-alive", type=int, metavar="PID", help="end when that process does")
    given = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("headwater").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with Neo4jServer(brief=given.brief) as server:
            sys.stdout.write(server.url + "\n")
            sys.stdout.flush()
            while not server.wait(0.5) and _alive(given.while_alive):
                pass
    except KeyboardInterrupt:
        pass
    except (InstallError, ServerError) as error:
        sys.exit(str(error))


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(0)


def _alive(pid: int | None) -> bool:
    if pid is None:
        return True
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
