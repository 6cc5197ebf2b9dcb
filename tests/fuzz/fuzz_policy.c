/* Fuzz target: any bytes as one policy file. Neither crash nor leak, and a refusal says why, at a
 * place that the file has, in text that moves no cursor and starts no line of its own. */
#include "fuzz.h"

#include "base/encode.h"
#include "policy/policy.h"

static bool is_text(str s)
{
    for (size_t i = 0; i < s.n;)
        if (utf8_next(s, &i) < 0x20)
            return false;
    return true;
}

static void check_findings(const struct findings *f, str bytes)
{
    unsigned lines = 1;
    for (size_t i = 0; i < bytes.n; i++)
        lines += bytes.p[i] == '\n';
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->items[i];
        MUST(is_text(it->message) && is_text(it->suggestion) && it->message.n < 4096);
        /* libyaml stands behind the last line when that has no end */
        MUST(it->line <= lines + 1 && it->source.n < 1024);
        MUST(it->line || it->severity != FINDING_ERROR);
    }
}

/* All that is told, as `check` prints it. */
static void print(const struct findings *f)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    findings_print(f, out);
    findings_print_json(f, out);
    fclose(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct doc_file file = {STR("fuzz.yaml"), {(const char *)data, n}};
    struct policy_load_in in = {
        .files = &file, .n_files = 1, .has_geoip = true, .now_s = 1795600000, .wants_lints = true};
    struct findings f;
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    MUST((p != NULL) == (f.errors == 0));
    if (p) {
        struct policy_test_totals totals;
        policy_test_run(p, &f, &totals);
        policy_app_find(p, STR("wiki.corp.example"));
    }
    check_findings(&f, file.bytes);
    print(&f);
    policy_unref(&p);
    findings_finish(&f);
    return 0;
}
