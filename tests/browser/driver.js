// driver: the distribution's Chromium, told what to do line by line: {"id", "code", "args"} comes in
// on stdin, {"id", "value"} or {"id", "error"} goes out. `code` is the body of an async function of
// (browser, state, args): a test says what happens in the words of the browser, and judges in Python.
"use strict";
const { chromium } = require("playwright-core");
const fs = require("fs");
const os = require("os");
const path = require("path");
const readline = require("readline");

const AsyncFunction = (async () => {}).constructor;

// What leaves no trace and asks nobody: no update, no report, no name but localhost is looked up.
const FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-color-profile=srgb",
];

async function main() {
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), "postern-browser-"));
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: FLAGS,
        // The back button is tested as people have it.
        ignoreDefaultArgs: ["--disable-back-forward-cache"],
        env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
    });
    const state = { axe: fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") };
    console.log(JSON.stringify({ id: 0, value: browser.version() }));
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const { id, code, args } = JSON.parse(line);
        let answer;
        try {
            const value = await new AsyncFunction("browser", "state", "args", code)(browser, state, args);
            answer = { id, value: value === undefined ? null : value };
        } catch (e) {
            answer = { id, error: String(e.stack || e) };
        }
        console.log(JSON.stringify(answer));
    }
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});
