"""Every page as Chromium shows it: no barrier, no sideways scrolling, no weight, no script."""

import http.server
import os
import re
import subprocess
import threading
import time

import pytest

from browser import DESKTOP, NARROW, PHONE

MOST_BYTES = 30 * 1024
SIZES = {"desktop": DESKTOP, "phone": PHONE}


class Handler(http.server.BaseHTTPRequestHandler):
    """The drawn pages, each with its own policy."""

    def do_GET(self):
        path = os.path.join(self.server.folder, os.path.basename(self.path))
        self.server.asked.append(self.path)
        if not os.path.exists(path + ".html"):
            self.send_error(404)
            return
        with open(path + ".html", "rb") as f:
            body = f.read()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if os.path.exists(path + ".csp"):
            with open(path + ".csp", encoding="ascii") as f:
                self.send_header("Content-Security-Policy", f.read())
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("pages"))
    subprocess.run([os.environ["DRAW_PAGES"], folder], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.asked, server.posted = folder, [], []
    server.url = "http://127.0.0.1:%d/" % server.server_port
    server.pages = sorted(n[:-5] for n in os.listdir(folder) if n.endswith(".html"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


# Every page in both sizes, schemes and languages; not in each combination of them.
@pytest.mark.parametrize("size, scheme, language", [
    ("desktop", "light", "en"), ("desktop", "dark", "de"), ("phone", "light", "de"), ("phone", "dark", "en")])
def test_no_page_has_a_barrier(browser, site, size, scheme, language):
    tab = browser.tab(colorScheme=scheme, **SIZES[size])
    found = []
    for name in site.pages:
        if name.startswith("replay") or not name.endswith(language):
            continue  # the former leaves at once
        tab.goto(site.url + name)
        found += ["%s: %s" % (name, v) for v in tab.axe()]
    tab.close()
    assert not found, "\n".join(found)


def test_the_page_that_posts_again_has_no_barrier_without_script(browser, site):
    """Its own script is off; the checker comes by another way."""
    tab = browser.tab(**PHONE)
    tab.run("""await page.route("**", async (route) => {
        const r = await route.fetch();
        await route.fulfill({ response: r, body: (await r.text()).replace(/<script.*<.script>/, "") });
    })""")
    for language in ("en", "de"):
        tab.goto(site.url + "replay." + language)
        assert tab.axe() == []
    tab.close()


@pytest.mark.parametrize("options", [NARROW, dict(DESKTOP, deviceScaleFactor=2)], ids=["320", "1280"])
def test_no_page_scrolls_sideways(browser, site, options):
    tab = browser.tab(**options)
    wide = []
    for name in site.pages:
        if not name.startswith("replay"):
            tab.goto(site.url + name)
            if tab.run("return await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)"):
                wide.append(name)
    tab.close()
    assert not wide, wide


def test_a_first_view_is_light_and_whole(browser, site):
    """One request, no more than 30 KB, nothing blocked and nothing said on the console."""
    tab = browser.tab(**DESKTOP)
    tab.run("""state.said = [];
        page.on("console", (m) => state.said.push(m.text()));
        page.on("pageerror", (e) => state.said.push(String(e)));""")
    for name in site.pages:
        if name.startswith("replay"):
            continue
        del site.asked[:]
        tab.goto(site.url + name)
        assert site.asked == ["/" + name], "a page brings all that it is made of"
        assert os.path.getsize(os.path.join(site.folder, name + ".html")) <= MOST_BYTES, name
        assert tab.run("return await page.evaluate(() => getComputedStyle(document.body).display)") == "flex", name
        assert tab.run("return await page.evaluate(() => document.scripts.length)") == 0
    said = tab.run("return state.said")
    tab.close()
    assert said == []


def test_keys_go_through_the_sign_in_form_in_order(browser, site):
    tab = browser.tab(**DESKTOP)
    tab.goto(site.url + "sign-in.en")
    tab.wait_focus("email")
    active = """return await page.evaluate(() => { const e = document.activeElement;
        return e.name || e.innerText.trim() || e.tagName; })"""
    order = []
    for _ in range(5):
        tab.run("await page.keyboard.press('Tab')")
        order.append(tab.run(active))
    assert order[:2] == ["password", "Sign in"]
    assert order[2] == "pin" and order[3] == "it-help@corp.example"
    tab.close()


def test_the_skip_link_comes_first_and_leads_to_the_main_part(browser, site):
    tab = browser.tab(**DESKTOP)
    tab.goto(site.url + "launcher.en")
    tab.run("await page.keyboard.press('Tab')")
    assert tab.run("return await page.evaluate(() => document.activeElement.innerText)") == "Skip to the main part"
    assert tab.run("return (await page.locator('.skip').boundingBox()).y") >= 0, "it shows itself when it has the focus"
    tab.run("await page.keyboard.press('Enter'); await page.keyboard.press('Tab')")
    assert tab.run("return await page.evaluate(() => document.activeElement.closest('main') !== null)")
    tab.close()


def test_every_control_shows_its_focus_and_is_large_enough(browser, site):
    tab = browser.tab(**PHONE)
    small = []
    for name in site.pages:
        if not name.endswith(".en") or name.startswith("replay"):
            continue
        tab.goto(site.url + name)
        small += tab.run("""return await page.evaluate((name) =>
            [...document.querySelectorAll("main a, main button, main input:not([type=hidden]), main textarea")]
                .filter((e) => !e.closest("dl")).flatMap((e) => {
                    e.focus({ focusVisible: true });
                    const r = e.getBoundingClientRect(), s = getComputedStyle(e);
                    return r.height < 36 || s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2
                        ? [`${name}: ${e.outerHTML.slice(0, 80)} ${r.height} ${s.outlineStyle}`] : [];
                }), args.name)""", name=name)
    tab.close()
    assert not small, "\n".join(small)


def test_errors_are_told_to_those_who_do_not_see(browser, site):
    tab = browser.tab(**DESKTOP)
    for name, field in (("sign-in-wrong.en", "password"), ("pin-wrong.en", "pin"), ("choice-unknown.en", "email"),
                        ("request-wrong.en", "text")):
        tab.goto(site.url + name)
        tab.wait_focus(field)
        said = tab.run("""return await page.evaluate((id) => {
            const e = document.getElementById(id);
            return [e.getAttribute("aria-invalid"), (e.getAttribute("aria-describedby") || "").split(" ")
                .map((i) => document.getElementById(i).innerText).join(" ")];
        }, args.id)""", id=field)
        assert said[0] == "true" and len(said[1]) > 20, (name, said)
    tab.close()


def test_password_managers_know_the_fields(browser, site):
    tab = browser.tab(**DESKTOP)
    tab.goto(site.url + "sign-in.en")
    fields = tab.run("""return await page.evaluate(() => [...document.querySelectorAll("input:not([type=hidden])")]
        .map((e) => [e.name, e.type, e.autocomplete]))""")
    assert fields == [["email", "email", "username"], ["password", "password", "current-password"]]
    tab.goto(site.url + "pin.en")
    assert tab.run("return await page.evaluate(() => document.getElementById('pin').autocomplete)") == "one-time-code"
    tab.close()


def test_motion_is_off_for_who_wants_none(browser, site):
    tab = browser.tab(reducedMotion="reduce", **DESKTOP)
    tab.goto(site.url + "launcher.en")
    moving = tab.run("""return await page.evaluate(() => [...document.querySelectorAll("*")]
        .filter((e) => getComputedStyle(e).transitionDuration !== "0s").length)""")
    tab.close()
    assert moving == 0


def test_a_page_of_another_language_says_so(browser, site):
    tab = browser.tab(**DESKTOP)
    for language in ("en", "de"):
        tab.goto(site.url + "launcher." + language)
        assert tab.run("return await page.evaluate(() => document.documentElement.lang)") == language
    tab.close()


@pytest.mark.parametrize("has_script", [True, False], ids=["by itself", "by its button"])
def test_the_same_body_is_posted_again(browser, site, has_script):
    del site.posted[:]
    tab = browser.tab(javaScriptEnabled=has_script, **DESKTOP)
    tab.run("await page.goto(args.url, { waitUntil: 'commit' })", url=site.url + "replay.en")
    if not has_script:
        assert site.posted == []
        tab.run("await page.getByRole('button', { name: 'Continue' }).click()")
    until = time.monotonic() + browser.LIMIT_S
    while not site.posted and time.monotonic() < until:
        time.sleep(0.05)
    tab.close()
    assert site.posted == [("/sso/acs?x=1",
                            b"SAMLResponse=PHNhbWxwOlJlc3BvbnNlPg%3D%3D&RelayState=%3Cb%3E%22+%26%0D%0Ax")]


def test_the_style_is_the_one_that_the_policy_names(site):
    with open(os.path.join(site.folder, "sign-in.en.csp"), encoding="ascii") as f:
        policy = f.read()
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", policy) and "unsafe" not in policy
