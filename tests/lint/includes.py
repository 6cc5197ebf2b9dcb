#!/usr/bin/env python3
"""Prints every include between rooms and refuses those that point up or sideways.

    main > command > server > parts > crew > people > { keys metrics sockets telling notify devices } > worker
         > { portal console tunnel ssh rdp } > http > desk > gate > config
         > { authn policy net audit store } > base

A file may include its own room and any lower one, and of another room only its faces.
uv.h and openssl/ssl.h stay in proxy/net; policy and authn stay away from sockets, threads and files.
"""

import os
import re
import sys

import tree

LEVELS = [
    ("base",),
    ("authn", "policy", "net", "audit", "store"),
    ("config",),
    ("gate",),
    ("desk",),
    ("http",),
    ("portal", "console", "tunnel", "ssh", "rdp"),
    ("worker",),
    ("keys", "sockets", "telling", "notify", "devices", "tailnet"),
    ("metrics",),
    ("people",),
    ("crew",),
    ("parts",),
    ("server",),
    ("command",),
    ("main",),
]
LEVEL = {room: n for n, rooms in enumerate(LEVELS) for room in rooms}

# Every header of base is a face. Another room shows <room>/<room>.h, and what stands here.
FACES = {
    "config": {"proxy/config/loaded.h",     # what is published, for the server alone
               "proxy/config/keyring.h",
               "proxy/config/disk.h"},        # secrets that settings name, for who needs them
    "gate": {"proxy/gate/request.h", "proxy/gate/counters.h"},
    "policy": {"policy/author.h"},           # what commands for who writes rules ask
    "http": {"proxy/http/fields.h",         # the table that `config headers` prints
             "proxy/http/html.h",           # what every page of ours is written with
             "proxy/http/layout.h"},
}
NET_ONLY = {"uv.h", "openssl/ssl.h", "openssl/bio.h"}
# The two libraries decide on bytes, facts and a time: who includes these has gone looking for more.
IMPURE = {"uv.h", "sys/socket.h", "netdb.h", "pthread.h", "fcntl.h", "unistd.h", "curl/curl.h",
          "openssl/ssl.h", "sys/stat.h", "dirent.h"}
GENERATED = {"build_config.h", "page_style.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def room_of(path):
    """base/, policy/, authn/, proxy/<room>/, or a file right under proxy/ by its stem."""
    parts = path.split("/")
    if parts[0] in ("base", "policy", "authn"):
        return parts[0]
    if parts[0] != "proxy":
        return None
    if len(parts) > 2:
        return parts[1]
    return os.path.splitext(parts[1])[0].split("_")[0]     # devices_fleet.c is of the room devices


def judge(src, quoted, target, known):
    """None, or the sentence that says what is wrong with one include."""
    room = room_of(src)
    if not quoted:
        if target in NET_ONLY and room != "net":
            return "<%s> belongs to proxy/net alone" % target
        if target in IMPURE and room in ("policy", "authn"):
            return "<%s>: %s has no sockets, threads, clock or files" % (target, room)
        return None
    if target in GENERATED:
        return None
    if target not in known:
        return '"%s" is no file of the checkout (includes are written from the root)' % target
    other = room_of(target)
    if other is None or other == room:
        return None
    if room not in LEVEL or other not in LEVEL:
        return "room %s stands in no drawing: add it to LEVELS" % (other if room in LEVEL else room)
    if LEVEL[other] >= LEVEL[room]:
        return "%s may not include %s" % (room, other)
    if other != "base" and target.startswith("proxy/") and target.count("/") == 1:
        return None
    face = ("" if other in ("authn", "policy") else "proxy/") + "%s/%s.h" % (other, other)
    if other != "base" and target != face and target not in FACES.get(other, ()):
        return "%s shows its face %s, not %s" % (other, face, target)
    return None


def check(root):
    report, findings = [], []
    sources = tree.files(root, ".c", ".h")
    known = set(sources)
    for src in sources:
        if room_of(src) is None:
            continue
        text = tree.read(root, src)
        for m in INCLUDE.finditer(text):
            quoted, target = m.group(1) == '"', m.group(2)
            wrong = judge(src, quoted, target, known)
            if wrong:
                line = text.count("\n", 0, m.start()) + 1
                findings.append("%s:%d: %s" % (src, line, wrong))
            if quoted and room_of(target) != room_of(src):
                report.append("%-10s > %-10s %s: %s" % (room_of(src), room_of(target), src, target))
    return report, findings


if __name__ == "__main__":
    sys.exit(tree.main(check))
