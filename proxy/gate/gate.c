/* The gate itself: a worker's life, and the snapshot it judges by. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include "base/jout.h"
#include "base/secret.h"

enum { DOCUMENTS_MOST = 1024 };

static void drop_credential(void *value)
{
    struct credential *c = value;
    credential_unref(&c);
}

struct gate *gate_create(const struct gate_options *o, struct snapshot *snapshot)
{
    struct gate *g = mem_alloc(sizeof *g);
    struct jout j;
    g->options = *o;
    g->pin = pin_create(snapshot);
    g->tokens = token_cache_create(snapshot->config->limits.token_cache, drop_credential);
    g->documents = token_cache_create(DOCUMENTS_MOST, posture_forget_document);
    g->keys_generation = 1;
    random_fill(&g->id_prefix, sizeof g->id_prefix);
    random_fill(&g->id_next, sizeof g->id_next);
    size_t cap = 64 + JOUT_ESCAPED_MAX(o->node.n) + JOUT_ESCAPED_MAX(o->boot.n);
    g->node_json = mem_alloc(cap);
    jout_init(&j, g->node_json, cap);
    jout_kstr(&j, STR("node"), o->node);
    jout_kstr(&j, STR("boot"), o->boot);
    g->node_json_n = j.n;
    list_init(&g->waiting);
    list_init(&g->standing);
    gate_clock_init(g);
    g->sessions = session_cache_create(snapshot->config->limits.session_cache);
    g->assertion_keys = assertion_keys_open(o->assertion_keys);
    session_ask_init(g);
    person_grants_init(g);
    session_limit_init(g);
    return g;
}

void gate_set_keyrings(struct gate *g, const struct keyring *cookie,
                       const struct keyring *assertion)
{
    struct assertion_keys *old = g->assertion_keys;
    g->options.cookie_keys = cookie;
    g->options.assertion_keys = assertion;
    g->assertion_keys = assertion_keys_open(assertion);
    assertion_keys_close(old);
}

char *gate_credential_scratch(struct gate *g)
{
    if (!g->credential_scratch)
        g->credential_scratch = mem_alloc(CREDENTIAL_SCRATCH_BYTES);
    return g->credential_scratch;
}

void gate_destroy(struct gate *g)
{
    if (!g)
        return;
    session_ask_finish(g);
    person_grants_finish(g);
    whois_finish(g);
    session_limit_finish(g);
    session_cache_destroy(g->sessions);
    assertion_keys_close(g->assertion_keys);
    token_cache_destroy(g->tokens);
    token_cache_destroy(g->documents);
    for (size_t i = 0; i < g->n_tables; i++)
        device_table_unref(&g->tables[i]);
    free(g->tables);
    pin_give(&g->pin);
    free(g->node_json);
    free(g->credential_scratch);
    free(g);
}

const struct snapshot *gate_snapshot(const struct gate *g)
{
    return g->pin->snapshot;
}

/* A cached token is good as long as what it was verified by is the same. */
static bool same_keys(const struct snapshot *a, const struct snapshot *b)
{
    if (a->n_issuers != b->n_issuers)
        return false;
    if (a->config != b->config && memcmp(a->config->digest, b->config->digest, DIGEST_HEX_CHARS))
        return false;
    for (size_t i = 0; i < a->n_issuers; i++)
        if (!keyset_same(a->issuers[i].keys, b->issuers[i].keys))
            return false;
    return true;
}

void gate_swap(struct gate *g, struct snapshot *snapshot)
{
    struct gate_pin *old = g->pin;
    bool is_renumbered = old->snapshot->config != snapshot->config;
    if (!same_keys(old->snapshot, snapshot))
        g->keys_generation++;
    /* Sessions were read by the settings of their issuers: under other ones they are read anew. */
    if (is_renumbered)
        session_cache_clear(g->sessions);
    session_cache_resize(g->sessions, snapshot->config->limits.session_cache);
    g->pin = pin_create(snapshot);
    pin_give(&old);
    gate_decide_again(g);
    if (is_renumbered)
        wait_renumbered(g);
}
