"""The lint tests can fail: each meets a small tree with exactly one fault."""

import os
import platform
import shutil
import subprocess

import pytest

import hardening
import includes
import paths
import tree
import words

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def plant(tmp_path):
    """Writes files into a tree of its own and returns its root."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(tmp_path)

    return lambda files: write(**files)


INCLUDES = [
    ("down is fine", "proxy/gate/route.c", '#include "proxy/config/config.h"', None),
    ("own room is fine", "policy/load.c", '#include "policy/parts.h"', None),
    ("base is open", "policy/load.c", '#include "base/str.h"', None),
    ("net may use libuv", "proxy/net/loop.c", "#include <uv.h>", None),
    ("policy does not know authn", "policy/load.c", '#include "authn/authn.h"', "may not include"),
    ("audit does not know net", "proxy/audit/record.c", '#include "proxy/net/net.h"', "may not include"),
    ("base knows nobody", "base/str.c", '#include "policy/policy.h"', "may not include"),
    ("lower does not know upper", "proxy/net/io.c", '#include "proxy/http/http.h"', "may not include"),
    ("only the face", "proxy/gate/decide.c", '#include "policy/parts.h"', "shows its face"),
    ("libuv stays in net", "proxy/http/conn.c", "#include <uv.h>", "belongs to proxy/net"),
    ("TLS stays in net", "proxy/server.c", "#include <openssl/ssl.h>", "belongs to proxy/net"),
    ("policy opens no file", "policy/load.c", "#include <fcntl.h>", "has no sockets"),
    ("from the root", "policy/load.c", '#include "parts.h"', "is no file"),
    ("a room without a place", "proxy/attic/a.c", '#include "base/str.h"', "stands in no drawing"),
    ("main may all", "proxy/main.c", '#include "proxy/command/command.h"', None),
    ("worker below command", "proxy/worker.c", '#include "proxy/command/command.h"', "may not include"),
]
HEADERS = ["base/str.h", "policy/policy.h", "policy/parts.h", "authn/authn.h", "proxy/net/net.h",
           "proxy/config/config.h", "proxy/http/http.h", "proxy/command/command.h"]


def test_includes(plant):
    for row, src, line, wanted in INCLUDES:
        root = plant({**{h: "" for h in HEADERS}, src: line + "\n"})
        report, findings = includes.check(root)
        os.remove(os.path.join(root, src))
        if wanted is None:
            assert findings == [], row
        else:
            assert len(findings) == 1 and wanted in findings[0], (row, findings)
            assert findings[0].startswith(src + ":1:"), row


def test_paths_missing_file_is_found(plant):
    root = plant({"README.md": "See `proxy/gate/route.c` and [the tour](docs/tour.md).\n",
                  "docs/tour.md": "\nStart in `missing.c`, `proxy/attic/`.\n", "proxy/gate/route.c": ""})
    findings = paths.check(root)[1]
    assert findings == ["docs/tour.md:2: missing.c does not exist", "docs/tour.md:2: proxy/attic/ does not exist"]


def test_paths_link_is_relative_to_its_page(plant):
    root = plant({"docs/a.md": "[b](b.md) [c](docs/b.md) [web](https://example.com/x)\n", "docs/b.md": ""})
    assert paths.check(root)[1] == ["docs/a.md:1: docs/b.md does not exist"]


WORDS = [
    ("machine path", "see /wo" + "rk/main\n", True),
    ("other machine path", 'open("/fa' + 'rm/x")\n', True),
    ("relative path", "a/wo" + "rk/main, ~/wo" + "rk/x\n", False),
    ("registry", "https://regi" + "stry.example/x\n", True),
    ("later", "/* TO" + "DO: later */\n", True),
    ("broken", "// FIX" + "ME\n", True),
    ("mkstemp is no note", 'char t[] = "fileXX' + 'XXXX";\n', False),
]


def test_words(plant):
    for row, line, is_bad in WORDS:
        root = plant({"base/a.c": "\n" + line})
        findings = words.check(root)[1]
        assert bool(findings) == is_bad, (row, findings)
        assert not is_bad or findings[0].startswith("base/a.c:2:"), row


def test_words_unlisted_test_is_found(plant):
    root = plant({"tests/unit/base/test_str.c": "", "tests/unit/base/test_map.c": "",
                  "tests/unit/base/meson.build": "foreach t : ['str']\nendforeach\n"})
    assert words.check(root)[1] == ["tests/unit/base/test_map.c: no meson.build lists this test"]


def test_format_finds_a_wrong_line(tmp_path):
    script = os.path.join(HERE, "format.sh")
    shutil.copy(os.path.join(tree.ROOT, ".clang-format"), tmp_path / ".clang-format")
    (tmp_path / "a.c").write_text("int a;\n")
    good = subprocess.run([script, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if good.returncode == 77:
        pytest.skip(good.stdout.decode().strip())
    assert good.returncode == 0, good.stdout
    (tmp_path / "a.c").write_text("int   a ;\n")
    assert subprocess.run([script, str(tmp_path)], stderr=subprocess.DEVNULL).returncode != 0


ARMOUR = ["-O2", "-fPIE", "-pie", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-all", "-Wl,-z,relro",
          "-Wl,-z,now", "-Wl,-z,noexecstack"]
CET = ["-fcf-protection=full", "-Wl,-z,shstk"]
GAPS = [
    # (row, what is left out, what is added, the finding)
    ("nothing is missing", [], [], None),
    ("PIE", ["-fPIE", "-pie"], ["-no-pie", "-fno-pie"], "not position independent"),
    ("lazy binding", ["-Wl,-z,now"], ["-Wl,-z,lazy"], "relocations stay writable"),
    ("no RELRO", ["-Wl,-z,relro"], ["-Wl,-z,norelro"], "relocations stay writable"),
    ("executable stack", ["-Wl,-z,noexecstack"], ["-Wl,-z,execstack"], "stack is executable"),
    ("code and data in one", [], ["-DWRITABLE_CODE"], "code that can be written"),
    ("stack guard", ["-fstack-protector-all"], ["-fno-stack-protector"], "stack guard"),
    ("FORTIFY", ["-D_FORTIFY_SOURCE=2"], [], "fortified"),
    ("RPATH", [], ["-Wl,-rpath,/opt/lib"], "path of its own"),
]
CET_GAPS = [
    ("shadow stack", CET, ["-fcf-protection=branch"], "shadow stack"),
    ("landing pads", CET, ["-fcf-protection=return", "-Wl,-z,shstk"], "landing pads"),
]
# What it does may overflow, so that there is something to guard and to fortify.
ARMOURED = """#include <stdio.h>
#include <string.h>
#ifdef WRITABLE_CODE
__attribute__((section(".both,\\"awx\\",@progbits#"))) int both = 1;
#endif
int main(int argc, char **argv)
{
    char room[16];
    strcpy(room, argv[argc - 1]);
    return puts(room) < 0;
}
"""


def test_hardening(tmp_path):
    is_x86 = platform.machine() == "x86_64"
    source, program = str(tmp_path / "a.c"), str(tmp_path / "a")
    (tmp_path / "a.c").write_text(ARMOURED)
    for row, left_out, added, wanted in GAPS + (CET_GAPS if is_x86 else []):
        flags = [f for f in ARMOUR + (CET if is_x86 else []) if f not in left_out] + added
        subprocess.run(["cc", *flags, "-w", "-o", program, source], check=True)
        findings = hardening.check(program)
        assert findings == [] if wanted is None else wanted in " ".join(findings), (row, findings)
