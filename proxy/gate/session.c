/* Sessions as a worker remembers them: made from what the store found, given back. See session.h.
 */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

enum { ARENA_BYTES = 512 }; /* thousands wait in a worker's cache, and most hold a few texts */

struct session *session_ref(struct session *s)
{
    s->refs++;
    return s;
}

void session_unref(struct session **s)
{
    struct session *old = *s;
    *s = NULL;
    if (!old || --old->refs)
        return;
    list_remove(&old->same_id);
    credential_unref(&old->who);
    arena_finish(&old->arena);
    free(old);
}

static enum policy_grant_kind grant_kind(enum store_grant_kind kind)
{
    return kind == STORE_GRANT_APPROVAL      ? POLICY_GRANT_APPROVAL
           : kind == STORE_GRANT_BREAK_GLASS ? POLICY_GRANT_BREAK_GLASS
                                             : POLICY_GRANT_NONE;
}

bool session_grant(const struct store_grant *from, struct arena *a, struct policy_grant *out,
                   str *app_out)
{
    if (from->state != STORE_GRANT_OPEN)
        return false;
    *app_out = arena_dup(a, from->app);
    *out = (struct policy_grant){
        .kind = grant_kind(from->kind),
        .rule = arena_dup(a, from->rule),
        .rule_digest = arena_dup(a, from->rule_digest),
        .expires_s = from->expires_s,
    };
    return true;
}

static void keep_grants(struct session *s, const struct store_seen *seen)
{
    if (!seen->n_grants)
        return;
    struct policy_grant *grants = arena_array(&s->arena, struct policy_grant, seen->n_grants);
    str *apps = arena_array(&s->arena, str, seen->n_grants);
    for (size_t i = 0; i < seen->n_grants; i++)
        if (session_grant(&seen->grants[i], &s->arena, &grants[s->n_grants], &apps[s->n_grants]))
            s->n_grants++;
    s->grants = grants;
    s->grant_apps = apps;
}

static void keep_purposes(struct session *s, const struct store_seen *seen)
{
    if (!seen->n_purposes)
        return;
    struct store_purpose *purposes = arena_array(&s->arena, struct store_purpose, seen->n_purposes);
    for (size_t i = 0; i < seen->n_purposes; i++)
        purposes[i] = (struct store_purpose){
            .app = arena_dup(&s->arena, seen->purposes[i].app),
            .text = arena_dup(&s->arena, seen->purposes[i].text),
            .stated_s = seen->purposes[i].stated_s,
        };
    s->purposes = purposes;
    s->n_purposes = seen->n_purposes;
}

static str dup_if(struct arena *a, str s)
{
    return s.n ? arena_dup(a, s) : (str){NULL, 0};
}

/* The claims are read by the settings that its issuer has now: who counts as what is a matter of
 * the configuration in force, not of the day of the log-in. Never a machine: services are for
 * tokens alone. */
static struct credential *who_of(struct gate *g, const struct store_session *from)
{
    const struct snapshot_issuer *issuer = snapshot_issuer_by_iss(g->pin->snapshot, from->issuer);
    struct fail fail = {0};
    struct identity *id =
        issuer ? identity_from_claims(issuer->config->issuer, from->claims, &fail) : NULL;
    /* The row is keyed by them; claims that name somebody else are no good row. */
    if (!id || !str_eq(id->issuer, from->issuer) || !str_eq(id->subject, from->subject)) {
        identity_unref(&id);
        return NULL;
    }
    struct credential_session part = {.login_s = from->created_s,
                                      .ends_s = from->ends_s,
                                      .handle = {from->handle, SESSION_HANDLE_CHARS}};
    struct credential *who =
        credential_create(id, issuer->config->issuer, &part, gate_credential_scratch(g));
    identity_unref(&id);
    return who;
}

struct session *session_make(struct gate *g, const struct store_seen *seen, str host)
{
    const struct store_session *from = &seen->session;
    struct credential *who = from->is_ended ? NULL : who_of(g, from);
    if (!who)
        return NULL;
    struct session *s = mem_alloc(sizeof *s);
    arena_init(&s->arena, NULL, 0);
    s->arena.chunk_bytes = ARENA_BYTES;
    s->refs = 1;
    s->who = who;
    s->id = from->id;
    memcpy(s->handle, from->handle, sizeof s->handle);
    s->host = arena_dup(&s->arena, host);
    s->created_s = from->created_s;
    s->ends_s = from->ends_s;
    s->claims_s = from->claims_s;
    s->seen_s = s->told_s = from->seen_s;
    s->can_refresh = from->refresh_token.n > 0;
    s->device_id = dup_if(&s->arena, from->device_id);
    s->device_proof = dup_if(&s->arena, from->device_proof);
    keep_grants(s, seen);
    keep_purposes(s, seen);
    s->read_s = loop_wall_us(g->options.loop) / 1000000;
    list_init(&s->same_id);
    list_init(&s->touched);
    list_init(&s->standing);
    list_init(&s->recent);
    session_index_add(g, s);
    return s;
}

/* ---- for rules ------------------------------------------------------------------------------- */

size_t session_grants(const struct session *s, str app, struct arena *a,
                      const struct policy_grant **out)
{
    size_t n = 0;
    *out = NULL;
    if (!s->n_grants)
        return 0;
    struct policy_grant *grants = arena_array(a, struct policy_grant, s->n_grants);
    for (size_t i = 0; i < s->n_grants; i++)
        if (str_eq(s->grant_apps[i], app))
            grants[n++] = s->grants[i];
    *out = grants;
    return n;
}

str session_purpose(const struct session *s, str app)
{
    const struct store_purpose *newest = NULL;
    for (size_t i = 0; i < s->n_purposes; i++)
        if (str_eq(s->purposes[i].app, app) &&
            (!newest || s->purposes[i].stated_s >= newest->stated_s))
            newest = &s->purposes[i];
    return newest ? newest->text : (str){NULL, 0};
}
