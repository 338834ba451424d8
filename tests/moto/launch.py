#!/usr/bin/env python3
"""Serve the AWS stand-in: moto, mended (see README.md), on 127.0.0.1.

Prints `ready http://127.0.0.1:PORT` on standard output once it accepts connections.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

# An instance's image need not be known, and reading moto's list of images takes as long as all else together.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server  # noqa: E402

from mends import MENDS, install_all  # noqa: E402

HOST = "127.0.0.1"


class RequestHandler(MotoRequestHandler):
    """Answers over connections that stay open, without waiting to fill packets (which costs 40 ms an answer)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


class QuietRequestHandler(RequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--exit-on-stdin-eof", action="store_true", help="end when standard input closes")
    parser.add_argument("--verbose", action="store_true", help="log requests on standard error")
    parser.add_argument("--without", action="append", default=[], choices=sorted(MENDS), metavar="MEND",
                        help="leave a mend out, to see what moto does without it (may be repeated)")
    parser.add_argument("--list-mends", action="store_true", help="print the mends' names and end")
    return parser.parse_args()


def server_on(port: int, handler: type[RequestHandler]) -> BaseWSGIServer:
    return make_server(HOST, port, DomainDispatcherApplication(create_backend_app), threaded=True,
                       request_handler=handler)


def when_stdin_ends(then: Callable[[], None]) -> None:
    """Call `then` when standard input closes. Reads the descriptor: a blocked sys.stdin could not be torn down."""

    def read_to_end() -> None:
        while os.read(0, 4096):
            pass
        then()

    threading.Thread(target=read_to_end, daemon=True).start()


def main() -> int:
    asked = arguments()
    if asked.list_mends:
        print("\n".join(MENDS))
        return 0
    install_all(without=asked.without)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if asked.verbose else logging.CRITICAL)
    stop = threading.Event()
    for signalled in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signalled, lambda *_: stop.set())
    if asked.exit_on_stdin_eof:
        when_stdin_ends(stop.set)
    server = server_on(asked.port, RequestHandler if asked.verbose else QuietRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection((HOST, server.port)):
        print(f"ready http://{HOST}:{server.port}", flush=True)
    stop.wait()
    os._exit(0)  # taking moto's modules down in order takes half a second, and nothing is kept


if __name__ == "__main__":
    sys.exit(main())
