#include "proxy/command/policy_tally.h"

#include <stdlib.h>

enum { MOST_RULES = 3 };

void tally_init(struct tally *t, const struct policy *p)
{
    *t = (struct tally){.policy = p};
    arena_init(&t->arena, NULL, 0);
    map_init(&t->rows);
}

void tally_finish(struct tally *t)
{
    map_finish(&t->rows);
    arena_finish(&t->arena);
}

/* The rules that make the difference: those that let in or refuse now; where nothing allows any
 * more, those that did. */
static size_t rules_of(const struct record *r, const struct policy_decision *d, struct arena *a,
                       str out[MOST_RULES])
{
    size_t n = d->n_rules < MOST_RULES ? d->n_rules : MOST_RULES;

    for (size_t i = 0; i < n; i++)
        out[i] = d->rules[i];
    return n ? n : record_texts(a, r->rules, out, MOST_RULES);
}

static str join(struct arena *a, const str *parts, size_t n, const char *between)
{
    size_t bytes = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        bytes += parts[i].n + strlen(between);
    char *out = arena_text(a, bytes + 1);
    for (size_t i = 0; i < n; i++) {
        if (i) {
            memcpy(out + at, between, strlen(between));
            at += strlen(between);
        }
        if (parts[i].n)
            memcpy(out + at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    return (str){out, at};
}

static str key_of(struct arena *a, const struct tally_row *row)
{
    const str parts[] = {row->is_gain ? STR("+") : STR("-"),
                         row->issuer,
                         row->subject,
                         row->app,
                         row->rule,
                         row->reason};

    return join(a, parts, sizeof parts / sizeof *parts, "\x1f");
}

static struct tally_row row_of(struct arena *a, const struct record *r,
                               const struct record_person *person, const struct policy_facts *facts,
                               const struct policy_decision *d)
{
    str rules[MOST_RULES];
    size_t n = rules_of(r, d, a, rules);

    return (struct tally_row){
        .is_gain = d->effect == POLICY_ALLOW,
        .issuer = person ? person->identity.issuer : (str){NULL, 0},
        .subject = person ? person->identity.subject : (str){NULL, 0},
        .app = facts->request->app ? facts->request->app->name : record_text(a, r->app),
        .rule = join(a, rules, n, ", "),
        .reason = str_of(policy_reason_code(d->reason)),
    };
}

/* Everything that must outlive the line and the person. */
static struct tally_row *keep(struct tally *t, struct tally_row row, const struct record *r,
                              const struct record_person *person)
{
    struct tally_row *kept = arena_new(&t->arena, struct tally_row);
    struct arena *a = &t->arena;

    *kept = row;
    if (person) {
        kept->issuer = arena_dup(a, row.issuer);
        kept->subject = arena_dup(a, row.subject);
        kept->email = arena_dup(a, person->identity.email);
    }
    kept->app = arena_dup(a, row.app);
    kept->rule = arena_dup(a, row.rule);
    kept->id = arena_dup(a, record_text(a, r->id));
    kept->method = arena_dup(a, record_text(a, r->method));
    kept->host = arena_dup(a, record_text(a, r->host));
    kept->path = arena_dup(a, record_text(a, r->path));
    kept->at_s = r->now_s;
    return kept;
}

/* The device is looked for, and recorded, only where a rule asks about it. */
static bool is_blind(const struct tally *t, const struct record *r,
                     const struct policy_facts *facts)
{
    const struct policy_app *app = facts->request->app;

    return app && !r->device.n && policy_app_wants_device(t->policy, app);
}

void tally_add(void *tally, const struct record *r, const struct record_person *person,
               const struct policy_facts *facts, const struct policy_decision *d)
{
    struct tally *t = tally;
    bool was_allowed = str_eq(r->effect, STR("allow"));
    char block[1024];
    struct arena scratch;

    if (was_allowed == (d->effect == POLICY_ALLOW)) {
        t->same++;
        return;
    }
    arena_init(&scratch, block, sizeof block);
    struct tally_row row = row_of(&scratch, r, person, facts, d);
    str key = key_of(&scratch, &row);
    struct tally_row *known = map_get(&t->rows, key);
    if (!known) {
        known = keep(t, row, r, person);
        map_add(&t->rows, arena_dup(&t->arena, key), known);
    }
    known->requests++;
    t->gained += row.is_gain;
    t->lost += !row.is_gain;
    if (!row.is_gain && is_blind(t, r, facts)) {
        known->blind++;
        t->blind++;
    }
    arena_finish(&scratch);
}

void tally_join(struct tally *into, const struct tally *from)
{
    for (size_t i = 0; i < from->rows.n; i++) {
        const struct tally_row *row = from->rows.entries[i].value;
        struct tally_row *known = map_get(&into->rows, from->rows.entries[i].key);
        if (!known) {
            map_add(&into->rows, from->rows.entries[i].key, (void *)(uintptr_t)row);
            continue;
        }
        uint64_t requests = known->requests + row->requests, blind = known->blind + row->blind;
        if (row->at_s < known->at_s)
            *known = *row;
        known->requests = requests;
        known->blind = blind;
    }
    into->gained += from->gained;
    into->lost += from->lost;
    into->same += from->same;
    into->blind += from->blind;
}

static int by_weight(const void *x, const void *y)
{
    const struct tally_row *a = *(struct tally_row *const *)x, *b = *(struct tally_row *const *)y;

    if (a->is_gain != b->is_gain)
        return a->is_gain ? -1 : 1;
    if (a->requests != b->requests)
        return a->requests > b->requests ? -1 : 1;
    int order = str_cmp(a->subject, b->subject);
    order = order ? order : str_cmp(a->app, b->app);
    return order ? order : str_cmp(a->rule, b->rule);
}

str tally_name(const struct tally_row *row)
{
    return row->email.n ? row->email : row->subject.n ? row->subject : STR("(no identity)");
}

static bool is_same_identity(const struct tally_row *a, const struct tally_row *b)
{
    return str_eq(a->issuer, b->issuer) && str_eq(a->subject, b->subject);
}

/* A second round: whoever comes first learns of the others by the first of them. */
static void mark_twins(struct tally_row **rows, size_t n)
{
    struct map names;

    map_init(&names);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < n; i++) {
            struct tally_row *first = map_get(&names, tally_name(rows[i]));
            if (!first)
                map_add(&names, tally_name(rows[i]), rows[i]);
            else if (first->has_twin || !is_same_identity(first, rows[i]))
                first->has_twin = rows[i]->has_twin = true;
        }
    map_finish(&names);
}

struct tally_row **tally_sorted(const struct tally *t)
{
    struct tally_row **rows = mem_alloc((t->rows.n + 1) * sizeof *rows);

    for (size_t i = 0; i < t->rows.n; i++)
        rows[i] = t->rows.entries[i].value;
    if (t->rows.n)
        qsort(rows, t->rows.n, sizeof *rows, by_weight);
    mark_twins(rows, t->rows.n);
    return rows;
}
