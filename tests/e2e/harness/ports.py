"""Ports that no other test run uses.

A port found with bind(0) is free only until somebody else finds it, and a listener with SO_REUSEPORT
would share it without a word. So a port is reserved by a name in the abstract socket space, which the
kernel gives back when this process ends.
"""

import random
import socket

_held = []


def free_port():
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind("\0postern-e2e-port-%d" % port)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _held.append(claim)
        return port
    raise RuntimeError("no free port")
