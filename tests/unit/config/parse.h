/* parse: a postern.yaml as text, and what is found in it, row by row. */
#ifndef TESTS_UNIT_CONFIG_PARSE_H
#define TESTS_UNIT_CONFIG_PARSE_H

#include "room.h"

#include "proxy/config/config.h"

#define HEAD "version: 1\n"
#define LISTEN "listeners: [{address: \"127.0.0.1:80\"}]\n"
#define CORP "issuers: {corp: {issuer: \"https://l.example\", audience: p}}\n"

static inline const struct config *parse(const char *text, struct findings *f)
{
    const struct config *c = NULL;
    findings_init(f);
    config_parse(STR("postern.yaml"), STR("/etc/postern"), str_of(text), &c, f);
    findings_sort(f);
    return c;
}

struct bad {
    const char *id, *text, *findings;
};

static inline void expect_all(const struct bad *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct findings f;
        const struct config *c = parse(rows[i].text, &f);
        if (c || strcmp(findings_text(&f), rows[i].findings) != 0)
            fail_msg("%s: %s\nfound:    %s\nexpected: %s", rows[i].id, c ? "accepted" : "refused",
                     findings_text(&f), rows[i].findings);
        findings_finish(&f);
    }
}
#define EXPECT_ALL(rows) expect_all(rows, sizeof rows / sizeof *rows)

#endif
