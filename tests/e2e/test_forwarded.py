"""Behind a trusted hop: its word on address and scheme counts, everybody else's does not."""

import socket

import pytest

from harness import raw
from harness.ports import free_port
from harness.proxy import allow, standard_policy


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return {"trusted": free_port(), "stranger": free_port(), "direct": free_port(),
            "x": free_port(), "unix": str(tmp_path_factory.mktemp("s") / "p.sock")}


@pytest.fixture(scope="module")
def gate(start_shared, origin, places):
    policy = standard_policy(origin.url)
    policy["rules"].append(allow("office", who={"groups": ["office"]}, to={"apps": ["inventory"]},
                                 **{"from": {"networks": ["203.0.113.0/24", "2001:db8::/32"]}}))
    g = start_shared(policies={"10-apps.yaml": policy}, listeners=[
        {"address": "127.0.0.1:%d" % places["trusted"], "front": {"forwarded": {"trusted": ["127.0.0.1/32", "10.0.0.0/8"]}}},
        {"address": "127.0.0.1:%d" % places["stranger"], "front": {"forwarded": {"trusted": ["192.0.2.1/32"]}}},
        {"address": "127.0.0.1:%d" % places["x"],
         "front": {"forwarded": {"trusted": ["127.0.0.1/32"], "header": "x-forwarded-for"}}},
        {"address": "127.0.0.1:%d" % places["direct"], "front": "direct"},
        {"address": "unix:" + places["unix"], "front": {"forwarded": {}}}])
    g.port = places["direct"]
    return g


def seen(answer):
    return {n.lower(): v for n, v in answer.json["headers"]}


# headers of the hop -> address that counts
CHAINS = [
    (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"),
    (["X-Forwarded-For: 198.51.100.1, 203.0.113.9"], "203.0.113.9"),
    (["X-Forwarded-For: 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
    (["X-Forwarded-For: 203.0.113.9, 10.1.2.3, 10.4.5.6"], "203.0.113.9"),
    (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.1.2.3"], "203.0.113.9"),
    (["X-Forwarded-For: 2001:db8::7"], "2001:db8::7"),
    (["X-Forwarded-For: ::ffff:203.0.113.9"], "203.0.113.9"),
    (["Forwarded: for=203.0.113.9;proto=https"], "203.0.113.9"),
    (['Forwarded: for="[2001:db8::7]:1234"'], "2001:db8::7"),
]


@pytest.mark.parametrize("headers, address", CHAINS)
def test_address_of_a_trusted_hop(gate, issuer, places, headers, address):
    answer = raw.request(places["trusted"], target="/x", token=issuer.person("eva", ["office"]), headers=headers)
    assert answer.status == 200, answer
    assert seen(answer)["x-forwarded-for"] == address
    assert gate.record(answer)["client"]["address"].startswith(address)


@pytest.mark.parametrize("headers", [["X-Forwarded-For: nonsense"], ["X-Forwarded-For: "], ["X-Forwarded-For: unknown"],
                                     ["X-Forwarded-For: 203.0.113.9, nonsense"], ["Forwarded: for=_hidden"],
                                     ["X-Real-IP: 203.0.113.9"], [], ["X-Forwarded-For: 203.0.113.9, 198.51.100.1"]])
def test_address_that_does_not_count(gate, issuer, places, headers):
    """A rule about the network fails when the address is unknown or another."""
    answer = raw.request(places["trusted"], target="/x", token=issuer.person("eva", ["office"]), headers=headers)
    assert answer.status == 403, answer


@pytest.mark.parametrize("place", ["direct", "stranger"])
def test_nobody_else_is_believed(gate, issuer, staff, places, place):
    spoof = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"]
    answer = raw.request(places[place], target="/x", token=issuer.person("eva", ["office"]), headers=spoof)
    assert answer.status in (400, 403), answer
    answer = raw.request(places[place], target="/x", token=staff, headers=spoof)
    if answer.status == 200:
        assert seen(answer)["x-forwarded-for"] == "127.0.0.1" and seen(answer)["x-forwarded-proto"] == "http"
        assert "203.0.113.9" not in answer.text


def test_scheme_of_a_trusted_hop(gate, staff, places):
    answer = raw.request(places["trusted"], target="/x", token=staff, headers=["X-Forwarded-For: 203.0.113.9",
                                                                               "X-Forwarded-Proto: https"])
    assert seen(answer)["x-forwarded-proto"] == "https"


def test_host_of_a_trusted_hop_is_not_believed(gate, staff, places):
    answer = raw.request(places["trusted"], target="/x", token=staff, host="reports.example",
                         headers=["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: inventory.example"])
    assert answer.status == 403 and gate.record(answer)["app"] == "reports"


def test_unix_socket(gate, issuer, places):
    with raw.Conn(0, unix=places["unix"]) as c:
        c.send(raw.head(target="/x", token=issuer.person("eva", ["office"]), headers=["X-Forwarded-For: 203.0.113.9"]))
        answer = c.read()
    assert answer.status == 200 and seen(answer)["x-forwarded-for"] == "203.0.113.9"


def test_plain_listener_off_loopback_wants_to_be_asked(start):
    addresses = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    outside = next((a for a in addresses if not a.startswith("127.")), "0.0.0.0")
    gate = start(ready=False, listeners=[{"address": "%s:%d" % (outside, free_port()), "front": "direct"}])
    gate.expect_alarm = True
    gate.start(ready=False)
    assert gate.process.wait(20) == 1 and "plain" in gate.stderr()


def test_what_a_client_says_in_the_other_header(gate, places, issuer):
    """A proxy that writes one passes the other on: the address is unknown, unless it is said which is written."""
    office = issuer.person("eva", ["office"])
    for headers in (["X-Forwarded-For: 203.0.113.9", "Forwarded: for=198.51.100.7"],
                    ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=203.0.113.9"]):
        answer = raw.request(places["trusted"], target="/x", token=office, headers=headers)
        client = gate.record(answer)["client"]
        assert answer.status == 403 and client.get("address", "") in ("", "-")
        assert client["claimed"] == headers[0].split(": ")[1]
    assert raw.request(places["x"], target="/x", token=office, headers=headers).status == 403
    headers = ["X-Forwarded-For: 203.0.113.9", 'Forwarded: for="198.51.100.7']
    assert raw.request(places["x"], target="/x", token=office, headers=headers).status == 200
