#include "proxy/config/shadow.h"

#include "proxy/config/config.h"

void shadow_share(const struct shadow *from, struct shadow *out)
{
    *out = *from;
    if (out->policy)
        policy_ref(out->policy);
}

void shadow_finish(struct shadow *s)
{
    policy_unref(&s->policy);
}

/* Each file is an input of its own, so that its directory is watched. */
static bool read_set(struct build *b, struct policyset *set)
{
    const char *dir = b->in->shadow_dir;
    enum finding_severity severity = b->previous ? FINDING_WARNING : FINDING_ERROR;
    struct fail fail = {0};

    if (policyset_read(dir, &b->arena, set, &fail)) {
        policyset_warn(set, b->findings);
        for (size_t i = 0; i < set->n; i++)
            inputs_add(&b->rules, set->files[i].name, set->files[i].bytes);
        return true;
    }
    inputs_add(&b->rules, str_of(dir), str_of(fail.text));
    findings_add(b->findings, severity, "unreadable", &(struct finding_at){.file = str_of(dir)},
                 b->previous ? NULL : "--shadow names a directory with policies",
                 "the shadow rules cannot be read: %s", fail.text);
    return false;
}

static struct policy *load(struct build *b, const struct config *c, const struct policyset *set,
                           struct findings *f)
{
    struct zones zones = zones_in(b->in->zoneinfo);
    struct policy_known known;

    config_known(c, &b->arena, &known);
    struct policy_load_in in = {
        .files = set->files,
        .n_files = set->n,
        .zone = zones_read,
        .zone_ctx = &zones,
        .tzdata_version = zones_version(&zones, &b->arena),
        .known = &known,
        .now_s = b->in->wall_us / 1000000,
    };
    return policy_load(&in, f);
}

/* A shadow refuses nothing, so none of its errors is one of the load: each is told as a warning,
 * and never stands among the reasons why the files were refused. */
static void tell(const struct findings *own, struct findings *all)
{
    for (size_t i = 0; i < own->n; i++) {
        const struct finding *it = &own->items[i];
        struct finding_at at = {
            .file = it->file, .source = it->source, .line = it->line, .column = it->column};
        enum finding_severity severity =
            it->severity == FINDING_ERROR ? FINDING_WARNING : it->severity;
        findings_add(all, severity, it->code.p, &at, it->suggestion.p, "%.*s",
                     STR_ARG(it->message));
    }
}

/* Rules that fail their tests are compared all the same: to see what they do is what a shadow is
 * for. */
static void run_tests(struct build *b, const struct policy *p, struct findings *own)
{
    struct policy_test_totals totals;
    if (policy_test_run(p, own, &totals))
        return;
    findings_add(b->findings, FINDING_WARNING, "shadow-tests",
                 &(struct finding_at){.file = str_of(b->in->shadow_dir)}, NULL,
                 "the shadow rules fail %zu of their %zu tests", totals.failed,
                 totals.failed + totals.passed);
}

static struct policy *load_tested(struct build *b, const struct config *c,
                                  const struct policyset *set)
{
    struct findings own;
    findings_init(&own);
    struct policy *p = load(b, c, set, &own);
    if (p)
        run_tests(b, p, &own);
    tell(&own, b->findings);
    findings_finish(&own);
    policy_drop_source(p);
    return p;
}

bool shadow_build(struct build *b, const struct config *c, const struct shadow *previous,
                  struct shadow *out)
{
    char digest[DIGEST_HEX_CHARS + 1];
    struct policyset set;

    *out = (struct shadow){0};
    if (!b->in->shadow_dir)
        return true;
    if (previous)
        shadow_share(previous, out);
    out->is_broken = true;
    if (!read_set(b, &set))
        return b->previous != NULL;
    disk_digest(arena_printf(&b->arena, "%s %s", set.digest, c->digest), digest);
    /* the regular look at the files must not load the same rules anew */
    bool is_same = out->policy && strcmp(out->digest, digest) == 0;
    struct policy *next = is_same ? NULL : load_tested(b, c, &set);
    out->is_broken = !is_same && !next;
    if (!next)
        return true;
    policy_unref(&out->policy);
    out->policy = next;
    memcpy(out->digest, digest, sizeof digest);
    return true;
}
