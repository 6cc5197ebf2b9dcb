"""Faults that other access proxies had, one row each; and the list of all HTTP rules with where each is shown."""

import os
import re

import pytest

import http_rules as table
from harness import raw
from harness.origin import Origin
from harness.proxy import allow, app, standard_policy

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture(scope="module")
def own_origin():
    o = Origin()
    yield o
    o.close()


@pytest.fixture(scope="module")
def gate(start_shared, own_origin):
    policy = standard_policy(own_origin.url)
    policy["apps"].append(app("wild", own_origin.url, host="*.wild.example"))
    policy["apps"].append(app("named", own_origin.url.replace("127.0.0.1", "inventory.localhost")))
    policy["rules"].append(allow("wild-staff", to={"apps": ["wild", "named"]}))
    return start_shared(policies={"10-apps.yaml": policy})


@pytest.mark.parametrize("row", table.PEERS, ids=lambda r: r.id)
def test_fault(gate, own_origin, contractor, row):
    wanted = row.status if isinstance(row.status, tuple) else (row.status,)
    before = len(own_origin.seen)
    with gate.connect() as c:
        c.send(raw.head(row.method, row.target, row.host, contractor if row.who else None, row.fields))
        answer = c.read(row.method)
        assert answer.status in wanted, (row.was, answer)
        if answer.status == 101:
            size = c.take(2)[1]
            assert b"spoof" not in c.take(int.from_bytes(c.take(2), "big") if size == 126 else size)
    if 200 in wanted:
        seen = {n.lower(): v for n, v in answer.json["headers"]}
        assert "spoof" not in str(seen) and seen["x-forwarded-for"] == "127.0.0.1"
        assert seen.get("x-auth-user") == ("kim" if row.who else None)
    elif 101 not in wanted:
        assert len(own_origin.seen) == before, "the upstream saw it"
    assert gate.alive()


def test_two_tokens_at_once(gate, contractor, staff):
    """Two proofs in one request: refused, whichever would do."""
    head = raw.head("GET", "/stock/1", token=contractor, headers=["Authorization: Bearer " + staff])
    assert gate.raw(head).status == 400


def test_names_under_localhost_are_here(gate, staff):
    """Whatever the resolver says of them, as in browsers and curl."""
    assert gate.get("/x", staff, host="named.example").status == 200


def rows():
    return {r.id for r in table.ROWS} | {r.id for r in table.PEERS}


def test_ids_are_unique():
    ids = [r.id for r in table.ROWS] + [r.id for r in table.PEERS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("rule", table.RULES)
def test_rule_is_shown(rule):
    known = rows()
    for place in table.RULES[rule]:
        if "::" not in place:
            assert place in known, place
            continue
        name, function = place.split("::")
        with open(os.path.join(HERE, name + ".py")) as f:
            assert re.search(r"^def %s\(" % function, f.read(), re.M), place
