/* page_assets: the look of the pages, in the binary. PAGE_STYLE_HASH is the CSP source of
 * PAGE_STYLE; a unit test computes it anew. */
#ifndef PROXY_HTTP_PAGE_ASSETS_H
#define PROXY_HTTP_PAGE_ASSETS_H

#define PAGE_STYLE                                                                                 \
    ":root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--text:#1c2430;--soft:#5a6675;"        \
    "--line:#dde2e8;--mark:#b42318;--link:#175cd3}"                                                \
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;--text:#e6eaf0;"          \
    "--soft:#9aa7b6;--line:#2d3641;--mark:#ff8a7a;--link:#84adff}}"                                \
    "*{box-sizing:border-box}"                                                                     \
    "body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;"       \
    "padding:1.5rem;background:var(--bg);color:var(--text);"                                       \
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"                          \
    "main{width:100%;max-width:36rem;background:var(--card);border:1px solid var(--line);"         \
    "border-top:4px solid var(--mark);border-radius:10px;padding:2rem;overflow-wrap:anywhere}"     \
    "h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}p{margin:0 0 1rem}"                    \
    ".app{margin:-.5rem 0 1.25rem;color:var(--soft)}"                                              \
    ".do{padding:.75rem 1rem;border:1px solid var(--line);border-left:4px solid var(--link);"      \
    "border-radius:8px}"                                                                           \
    ".go{display:inline-block;padding:.6rem 1.2rem;border-radius:8px;background:var(--link);"      \
    "color:var(--card);text-decoration:none;font-weight:600}"                                      \
    ".go:focus-visible{outline:3px solid var(--text);outline-offset:2px}"                          \
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1.5rem 0 0;"            \
    "padding-top:1rem;border-top:1px solid var(--line);font-size:.875rem}"                         \
    "dt{color:var(--soft)}dd{margin:0}dd a{color:var(--link)}"                                     \
    "code{font:.8125rem ui-monospace,SFMono-Regular,Menlo,monospace;user-select:all}"              \
    "@media(max-width:30rem){body{padding:1rem}main{padding:1.25rem}"                              \
    "dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}}"

#define PAGE_STYLE_HASH "sha256-gsnWItRHm9fIYq8OyO2I6XubFRHCNiPez2iTVHk2jTI="

#endif
