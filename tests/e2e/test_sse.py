"""Server-sent events and long polls: every piece passes when it comes."""

import time

from harness import raw
from harness.proxy import SLOWNESS


def test_events_come_one_by_one(gate, staff):
    with gate.connect() as c:
        c.send(raw.head("GET", "/sse?n=5&gap=0.2", token=staff))
        answer = c.head()
        assert answer.get("Content-Type") == "text/event-stream"
        times = []
        for i, data in enumerate(c.chunks()):
            times.append(time.monotonic())
            assert data == b"data: %d\n\n" % i
    assert len(times) == 5 and times[-1] - times[0] > 0.6, "they were held together"


def test_many_streams_at_once(gate, staff):
    conns = [gate.connect().send(raw.head("GET", "/sse?n=20&gap=0.02", token=staff)) for _ in range(50)]
    for c in conns:
        c.head()
        assert b"".join(c.chunks()) == b"".join(b"data: %d\n\n" % i for i in range(20))
        c.close()


def test_stream_has_no_total_time_limit(gate, staff):
    """Longer than every limit of a head or a body's gap that this postern has."""
    with gate.connect() as c:
        c.send(raw.head("GET", "/sse?n=4&gap=%g" % (1.0 * min(SLOWNESS, 2)), token=staff))
        c.head()
        assert b"".join(c.chunks()).count(b"data:") == 4
