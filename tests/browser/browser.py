"""Chromium of the distribution, driven by playwright-core through driver.js.

    with Browser() as b:
        tab = b.tab(colorScheme="dark")          a context of its own, with one page
        tab.run("await page.goto(args.url)", url=...)
"""

import json
import os
import select
import shutil
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "node_modules")
PHONE = {"viewport": {"width": 390, "height": 844}, "isMobile": True, "hasTouch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
NARROW = {"viewport": {"width": 320, "height": 640}}


def chromium():
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


def node():
    """The pinned one: a distribution's may be too old."""
    for arch in ("x64", "arm64"):
        path = os.path.join(MODULES, "node-linux-" + arch, "bin", "node")
        if os.access(path, os.X_OK):
            return path
    return shutil.which("node")


def missing():
    """None, or what is not there to run these tests with."""
    if not os.access(chromium(), os.X_OK):
        return "no Chromium: install the package chromium"
    if not os.path.isdir(os.path.join(MODULES, "playwright-core")):
        return "npm ci has not been run in tests/browser"
    return None if node() else "no node"


class BrowserError(AssertionError):
    pass


class Browser:
    LIMIT_S = 30 * float(os.environ.get("POSTERN_TEST_SLOWNESS", "1"))

    def __init__(self):
        self.proc = subprocess.Popen([node(), os.path.join(HERE, "driver.js")], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, env=dict(os.environ, CHROMIUM=chromium()))
        self.lock, self.last, self.buf = threading.Lock(), 0, b""
        self.version = self._answer(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.proc.stdin.close()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()

    def _line(self):
        while b"\n" not in self.buf:
            if not select.select([self.proc.stdout], [], [], self.LIMIT_S)[0]:
                raise BrowserError("the browser does not answer")
            more = os.read(self.proc.stdout.fileno(), 1 << 16)
            if not more:
                raise BrowserError("the browser is gone")
            self.buf += more
        line, self.buf = self.buf.split(b"\n", 1)
        return line

    def _answer(self, number):
        answer = json.loads(self._line())
        assert answer["id"] == number
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["value"]

    def run(self, code, **args):
        with self.lock:
            self.last += 1
            line = json.dumps({"id": self.last, "code": code, "args": args}) + "\n"
            self.proc.stdin.write(line.encode())
            self.proc.stdin.flush()
            return self._answer(self.last)

    def tab(self, **options):
        """A tab in a profile of its own: nobody's cookies."""
        return Tab(self, self.run("""
            state.n = (state.n || 0) + 1;
            const context = await browser.newContext({ locale: "en-US", ...args.options });
            context.setDefaultTimeout(args.limit);
            state["c" + state.n] = context;
            state["p" + state.n] = await context.newPage();
            return state.n;""", options=options, limit=self.LIMIT_S * 500))


class Tab:
    def __init__(self, browser, number, context=None):
        self.browser, self.number, self.context = browser, number, context or number

    def run(self, code, **args):
        """The body of an async function of (page, context, args)."""
        return self.browser.run("const page = state['p%d'], context = state['c%d'];\n%s"
                                % (self.number, self.context, code), **args)

    def another(self):
        """One more tab of the same profile."""
        number = self.run("""
            state.n += 1;
            state["p" + state.n] = await context.newPage();
            return state.n;""")
        return Tab(self.browser, number, self.context)

    def close(self):
        self.run("await context.close()")

    def goto(self, url):
        """Status and address of what is there in the end."""
        return self.run("""
            const r = await page.goto(args.url);
            return { status: r ? r.status() : 0, url: page.url() };""", url=url)

    def wait_focus(self, element_id):
        """A browser gives the focus to an autofocus field when it first draws the page."""
        self.run("await page.waitForFunction((id) => document.activeElement.id === id, args.id)", id=element_id)

    @property
    def url(self):
        return self.run("return page.url()")

    def text(self, selector="main"):
        return self.run("return await page.locator(args.s).first().innerText()", s=selector)

    def axe(self):
        """What a checker of accessibility finds, each as one line."""
        return self.run("""
            await page.evaluate(state.axe);
            const r = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
            return r.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 120)}: ${n.failureSummary}`));
        """)
