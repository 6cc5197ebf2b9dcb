/* Spoof attempts: a client sent headers that name an identity. They were removed and harm nobody;
 * who tries it is worth a record of its own, beside the decision, which counts them too.
 *
 * The trap is the log itself: with one more record for each such request a hostile client would
 * double it. So a client's network gets one a second; all of a worker's together no more than there
 * are slots. What is left out is counted, and told by the next record. */
#include "proxy/gate/gate_impl.h"

enum { EVERY_US = 1000 * 1000, FIXED_BYTES = 1024, NAME_MOST = 64 };

static size_t bytes_of(const struct visit *v)
{
    const struct gate_request *r = &v->request;
    size_t n = FIXED_BYTES + v->gate->node_json_n + jout_escaped_len(r->host) +
               JOUT_ESCAPED_MAX(CLAIMED_MOST) + SPOOFED_MAX * JOUT_ESCAPED_MAX(NAME_MOST);
    if (v->who)
        n += jout_escaped_len(v->who->facts.issuer) + jout_escaped_len(v->who->facts.subject);
    return n;
}

/* A /64 is one client: whoever has one has all its addresses. */
static size_t slot_of(const struct gate_request *r)
{
    const struct addr *a = r->client.family ? &r->client : &r->peer;
    size_t n = a->family == 4 ? 4 : 8;
    return str_hash((str){(const char *)a->bytes, n}) % SPOOF_SLOTS;
}

static void write_names(struct jout *j, const struct gate_request *r)
{
    jout_key(j, STR("headers"));
    jout_open(j, '[');
    for (size_t i = 0; i < r->n_spoofed; i++)
        jout_str(j, str_upto(r->spoofed[i], NAME_MOST));
    jout_close(j, ']');
}

static void write_record(struct jout *j, const struct visit *v)
{
    const struct gate_request *r = &v->request;
    jout_open(j, '{');
    jout_ktime(j, STR("time"), v->wall_us);
    jout_kplain(j, STR("kind"), STR("spoof_attempt"));
    jout_raw(j, (str){v->gate->node_json, v->gate->node_json_n});
    jout_kplain(j, STR("id"), (str){v->id, VISIT_ID_CHARS});
    if (v->app_name.p)
        jout_kstr(j, STR("app"), v->app_name);
    jout_kstr(j, STR("host"), r->host);
    record_client(j, r);
    if (v->who) {
        jout_key(j, STR("identity"));
        jout_open(j, '{');
        jout_kstr(j, STR("issuer"), v->who->facts.issuer);
        jout_kstr(j, STR("subject"), v->who->facts.subject);
        jout_close(j, '}');
    }
    write_names(j, r);
    jout_kint(j, STR("spoof_attempts"), r->spoof_attempts);
    if (v->gate->spoofs_untold)
        jout_kint(j, STR("untold"), (int64_t)v->gate->spoofs_untold);
    jout_close(j, '}');
}

static void leave_out(struct gate *g)
{
    g->spoofs_untold++;
    counter_add(&g->options.counters->spoofs_untold, 1);
}

void spoof_tell(struct visit *v)
{
    struct gate *g = v->gate;
    int64_t *next_us = &g->spoof_next_us[slot_of(&v->request)];
    size_t bytes = bytes_of(v);
    struct jout j;
    /* Room is for decisions first: without it nobody waits, as this record opens nothing. */
    if (v->decided_us < *next_us || !audit_reserve(g->options.ring, bytes)) {
        leave_out(g);
        return;
    }
    *next_us = v->decided_us + EVERY_US;
    char *room = audit_begin(g->options.ring, bytes);
    if (!room) {
        audit_commit(g->options.ring, 0, bytes);
        return;
    }
    jout_init(&j, room, bytes);
    write_record(&j, v);
    audit_commit(g->options.ring, j.overflow ? 0 : j.n, bytes);
    if (j.overflow)
        leave_out(g);
    else
        g->spoofs_untold = 0;
}
