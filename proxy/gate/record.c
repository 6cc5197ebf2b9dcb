/* Audit records of visits (audit.md section 1), written straight into the worker's ring.
 *
 * The order that matters: room was reserved before the upstream was asked, so writing the record at
 * the end cannot fail; only what was never reserved (a long visit's end) takes the other way in. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/jout.h"

enum {
    FIXED_BYTES = 1536, /* names, numbers, times, addresses, digests */
    RULE_BYTES = 160,   /* a rule id, escaped */
    CAUSE_BYTES = 160,
    SHADOW_BYTES = 128 + POLICY_MAX_REPORTED * RULE_BYTES,
    AGENT_MOST = 256, /* characters of the user agent that are kept */
    PATH_CUT = 1024,  /* bytes of the path in a shortened record */
    MOST_BYTES = AUDIT_RECORD_MAX,
};

size_t record_bytes(const struct visit *v)
{
    const struct gate_request *r = &v->request;
    size_t n = FIXED_BYTES + v->gate->node_json_n + 8 * RULE_BYTES + jout_escaped_len(r->method) +
               jout_escaped_len(r->host) + 2 * jout_escaped_len(r->path_raw) +
               jout_escaped_len(str_upto(r->user_agent, AGENT_MOST)) +
               jout_escaped_len(str_upto(r->claimed, CLAIMED_MOST)) +
               (v->who ? v->who->record.n : 0) + v->device_record.n + v->grants_record.n + 2;
    /* A visit that stands has let go of the snapshot, and may have its shadow's word to tell. */
    if (v->shadow || (v->pin && v->pin->snapshot->shadow))
        n += SHADOW_BYTES;
    return n < MOST_BYTES ? n : MOST_BYTES;
}

static void write_addr(struct jout *j, str name, const struct addr *a)
{
    char text[ADDR_TEXT_BYTES];
    if (a->family == 0)
        return;
    size_t n = addr_text(a, text);
    jout_kplain(j, name, (str){text, n});
}

/* A query may hold secrets: it is left out, or hashed so that equal ones can be recognised. */
static void write_query(struct jout *j, const struct visit *v)
{
    unsigned char digest[32];
    char hex[64];
    unsigned n = sizeof digest;
    if (!v->request.query.p || v->gate->pin->snapshot->config->audit.query != QUERY_HASH)
        return;
    if (EVP_Digest(v->request.query.p, v->request.query.n, digest, &n, EVP_sha256(), NULL) != 1)
        return;
    hex_encode(digest, sizeof digest, hex);
    jout_kplain(j, STR("query_sha256"), (str){hex, sizeof hex});
}

void record_client(struct jout *j, const struct gate_request *r)
{
    jout_key(j, STR("client"));
    jout_open(j, '{');
    write_addr(j, STR("address"), &r->client);
    if (!addr_eq(&r->client, &r->peer))
        write_addr(j, STR("peer"), &r->peer);
    if (r->claimed.n)
        jout_kstr(j, STR("claimed"), str_upto(r->claimed, CLAIMED_MOST));
    jout_kstr(j, STR("front"), r->front);
    if (r->tls_version.p) {
        jout_kstr(j, STR("tls"), r->tls_version);
        jout_kstr(j, STR("cipher"), r->tls_cipher);
        if (r->tls_group.p)
            jout_kstr(j, STR("group"), r->tls_group);
    }
    jout_close(j, '}');
}

static void write_path(struct jout *j, const struct gate_request *r)
{
    jout_kstr(j, STR("path"), r->path_raw);
    if (r->path.p && !str_eq(r->path, r->path_raw))
        jout_kstr(j, STR("path_normal"), r->path);
}

/* Half a path must not be taken for one. */
static void write_path_cut(struct jout *j, const struct gate_request *r)
{
    jout_kbool(j, STR("shortened"), true);
    jout_kstr(j, STR("path_begins"), str_upto(r->path.p ? r->path : r->path_raw, PATH_CUT));
}

static void write_request(struct jout *j, const struct visit *v, bool is_cut)
{
    const struct gate_request *r = &v->request;
    jout_raw(j, (str){v->gate->node_json, v->gate->node_json_n});
    jout_kplain(j, STR("id"), (str){v->id, VISIT_ID_CHARS});
    if (v->app_name.p)
        jout_kstr(j, STR("app"), v->app_name);
    jout_kplain(j, STR("protocol"), v->request.is_websocket ? STR("websocket") : STR("http"));
    jout_kstr(j, STR("method"), r->method);
    jout_kstr(j, STR("host"), r->host);
    (is_cut ? write_path_cut : write_path)(j, r);
    write_query(j, v);
    if (r->user_agent.p)
        jout_kstr(j, STR("agent"), str_upto(r->user_agent, AGENT_MOST));
    record_client(j, r);
    if (r->spoof_attempts)
        jout_kint(j, STR("spoof_attempts"), r->spoof_attempts);
}

static void write_texts(struct jout *j, str name, const str *items, size_t n)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < n && j->cap - j->n > RULE_BYTES; i++)
        jout_str(j, items[i]);
    jout_close(j, ']');
}

/* What the shadow policies say, when it is something else. */
static void write_shadow(struct jout *j, const struct policy_decision *d)
{
    jout_key(j, STR("shadow"));
    jout_open(j, '{');
    jout_kplain(j, STR("effect"), d->effect == POLICY_ALLOW ? STR("allow") : STR("deny"));
    jout_kstr(j, STR("reason"), str_of(policy_reason_code(d->reason)));
    write_texts(j, STR("rules"), d->rules, d->n_rules);
    jout_close(j, '}');
}

/* `deny` only where somebody was refused: whoever went away before anything was decided was not,
 * and an answer of our own lets nobody through. */
static str effect_of(const struct visit *v)
{
    if (v->outcome == VISIT_PERMITTED)
        return v->is_own ? STR("own") : STR("allow");
    /* Who waits for the disk to take an open record was allowed; if it does not, he is refused. */
    if (v->outcome == VISIT_WAITING && v->ticket)
        return STR("allow");
    return v->decided_us ? STR("deny") : STR("none");
}

static void write_decision(struct jout *j, const struct visit *v)
{
    const struct policy_decision *d = &v->decision;
    str effect = effect_of(v);
    jout_key(j, STR("decision"));
    jout_open(j, '{');
    jout_kplain(j, STR("effect"), effect);
    jout_kstr(j, STR("reason"), str_of(v->reason));
    if (d->n_rules)
        write_texts(j, STR("rules"), d->rules, d->n_rules);
    if (v->n_causes)
        write_texts(j, STR("causes"), v->causes, v->n_causes < 8 ? v->n_causes : 8);
    if (d->has_would) {
        jout_kplain(j, STR("would"), d->would == POLICY_ALLOW ? STR("allow") : STR("deny"));
        write_texts(j, STR("would_rules"), d->would_rules, d->n_would_rules);
    }
    if (v->token != TOKEN_OK)
        jout_kstr(j, STR("token"), str_of(token_verdict_code(v->token)));
    else if (str_eq(effect, STR("deny")) && v->has_foreign_token &&
             !v->who) /* most often a slash too many in `iss` */
        jout_kstr(j, STR("token"), str_of(token_verdict_code(TOKEN_ISSUER)));
    if (v->refusal.remedy.n && v->refusal.remedy.n < 256)
        jout_kstr(j, STR("remedy"), v->refusal.remedy);
    if (d->valid_until_s)
        jout_kint(j, STR("valid_until"), d->valid_until_s);
    jout_close(j, '}');
    if (v->pin) {
        jout_raw(j, (str){v->pin->policy, v->pin->policy_n});
        return;
    }
    jout_key(j, STR("policy"));
    jout_open(j, '{');
    jout_kstr(j, STR("digest"), v->policy_digest);
    jout_kint(j, STR("generation"), (int64_t)v->policy_generation);
    jout_close(j, '}');
}

/* The facts of the request that a replay needs and that stand nowhere else in the record. */
static void write_facts(struct jout *j, const struct visit *v, bool is_cut)
{
    jout_key(j, STR("facts"));
    jout_open(j, '{');
    jout_kint(j, STR("now"), v->wall_us / 1000000);
    jout_kbool(j, STR("public"), v->is_public);
    jout_kbool(j, STR("clock_good"), gate_clock_is_good(v->gate, v->wall_us));
    if (v->grants_record.p && !is_cut)
        jout_raw(j, v->grants_record);
    jout_close(j, '}');
}

static void write_upstream(struct jout *j, const struct visit_close *c)
{
    if (!c->upstream.p)
        return;
    jout_key(j, STR("upstream"));
    jout_open(j, '{');
    jout_kstr(j, STR("address"), c->upstream);
    write_addr(j, STR("ip"), &c->upstream_addr);
    if (c->upstream_status)
        jout_kint(j, STR("status"), c->upstream_status);
    if (c->connect_us >= 0)
        jout_kint(j, STR("connect_us"), c->connect_us);
    if (c->first_byte_us >= 0)
        jout_kint(j, STR("first_byte_us"), c->first_byte_us);
    jout_kbool(j, STR("reused"), c->upstream_reused);
    jout_close(j, '}');
}

static void write_head(struct jout *j, const struct visit *v, str kind, bool is_cut)
{
    jout_ktime(j, STR("time"), v->wall_us);
    jout_kplain(j, STR("kind"), kind);
    write_request(j, v, is_cut);
    if (v->who)
        jout_raw(j, v->who->record);
    if (v->device_record.p && !is_cut)
        jout_raw(j, v->device_record);
    write_decision(j, v);
    if (v->shadow && !is_cut)
        write_shadow(j, v->shadow);
    write_facts(j, v, is_cut);
}

static void write_outcome(struct jout *j, const struct visit *v, const struct visit_close *c)
{
    write_upstream(j, c);
    jout_kint(j, STR("status"), c->status);
    jout_kint(j, STR("bytes_in"), (int64_t)c->bytes_in);
    jout_kint(j, STR("bytes_out"), (int64_t)c->bytes_out);
    jout_kint(j, STR("duration_us"), gate_now_us() - v->start_us);
    if (v->decided_us)
        jout_kint(j, STR("decision_us"), v->decided_us - v->start_us);
    if (c->headers_left_out)
        jout_kint(j, STR("headers_left_out"), c->headers_left_out);
    jout_kplain(j, STR("end"), str_of(visit_end_word(c->end)));
}

static void write_whole(struct jout *j, const struct visit *v, str kind, bool is_cut,
                        const struct visit_close *close)
{
    jout_open(j, '{');
    write_head(j, v, kind, is_cut);
    if (close)
        write_outcome(j, v, close);
    jout_close(j, '}');
}

/* At least that it was: never half a line, never none. */
static void write_least(struct jout *j, const struct visit *v, str kind)
{
    jout_open(j, '{');
    jout_ktime(j, STR("time"), v->wall_us);
    jout_kplain(j, STR("kind"), kind);
    jout_raw(j, (str){v->gate->node_json, v->gate->node_json_n});
    jout_kplain(j, STR("id"), (str){v->id, VISIT_ID_CHARS});
    jout_kbool(j, STR("shortened"), true);
    jout_close(j, '}');
}

/* What does not fit (under limits for longer paths than the usual, a client chooses to) is left out
 * and told as such, the path first: nobody can ask so that his name is not in the record. */
static void write_record(struct jout *j, char *room, size_t cap, const struct visit *v, str kind,
                         const struct visit_close *close)
{
    jout_init(j, room, cap);
    write_whole(j, v, kind, false, close);
    if (!j->overflow)
        return;
    jout_init(j, room, cap);
    write_whole(j, v, kind, true, close);
    if (!j->overflow)
        return;
    jout_init(j, room, cap);
    write_least(j, v, kind);
}

/* With a reservation straight into the ring, without one by way of the heap. */
static uint64_t put_record(struct visit *v, str kind, const struct visit_close *close)
{
    struct audit_ring *ring = v->gate->options.ring;
    struct jout j;
    if (v->reserved) {
        size_t reserved = v->reserved;
        v->reserved = 0;
        char *room = audit_begin(ring, reserved);
        if (!room)
            return audit_commit(ring, 0, reserved);
        write_record(&j, room, reserved, v, kind, close);
        return audit_commit(ring, j.overflow ? 0 : j.n, reserved);
    }
    size_t cap = record_bytes(v);
    char *room = malloc(cap);
    if (!room)
        return 0;
    write_record(&j, room, cap, v, kind, close);
    if (!j.overflow)
        audit_append_forced(ring, jout_text(&j));
    free(room);
    return 0;
}

/* `sync: always`: first call writes the open record and waits; later ones look whether it is on
 * disk. The close record needs room of its own, and the visit waits for it like any other. */
enum visit_outcome record_open(struct visit *v)
{
    struct audit_ring *ring = v->gate->options.ring;
    struct audit *audit = v->gate->options.audit;
    if (!v->ticket) {
        v->outcome = VISIT_PERMITTED;
        v->ticket = put_record(v, STR("request.open"), NULL);
        if (!v->ticket)
            return VISIT_PERMITTED;
        audit_want(ring, v->ticket);
    }
    bool is_settled = audit_durable(ring) >= v->ticket;
    if (is_settled && !audit_is_lost(ring, v->ticket))
        return visit_reserve(v);
    if (!is_settled && !v->wait_is_over && audit_is_writable(audit))
        return visit_wait(v, 5000);
    return audit_continues(audit) ? visit_reserve(v) : visit_refuse_unrecorded(v);
}

void record_start(struct visit *v)
{
    bool is_websocket = v->kind == VISIT_KIND_WEBSOCKET;
    if (v->ticket && !is_websocket)
        return; /* its open record is written already */
    put_record(v, is_websocket ? STR("visit.start") : STR("request.open"), NULL);
}

void record_close(struct visit *v, const struct visit_close *close)
{
    str kind = v->kind == VISIT_KIND_WEBSOCKET ? STR("visit.end")
               : v->ticket                     ? STR("request.close")
                                               : STR("decision");
    put_record(v, kind, close);
}
