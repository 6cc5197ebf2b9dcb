/* A session's cookie as a proof of identity (authn.md section 3). A malformed or unknown value is
 * no session, and a store that cannot be asked refuses: never the one for the other. */
#include "proxy/gate/gate_impl.h"

#include "base/encode.h"

enum { TRIED_MOST = 8 }; /* more of our name come from somebody who plays */

static enum visit_outcome refuse_store(struct visit *v)
{
    visit_refuse(v, 503, "store:unavailable",
                 STR("The store of sessions does not answer, so nobody can say who you are."),
                 STR("Try again in a moment."));
    v->refusal.retry_after_s = 1;
    return VISIT_REFUSED;
}

/* Only what the configuration says is known here: the rules' own limits come with the decision. */
static enum session_limit limit_of(struct visit *v, struct session *s)
{
    static const struct policy_obligations none = {.max_s = 0};
    return session_limit(v->gate, s, &none, v->wall_us / 1000000);
}

/* True when the session is good, and is then the caller's. Else the visit goes on as nobody's, and
 * its record says why. */
static bool take_if_good(struct visit *v, struct session *s, struct session **out)
{
    enum session_limit limit = s->is_ended ? SESSION_PAST_MAX : limit_of(v, s);
    if (limit == SESSION_GOOD) {
        *out = s;
        return true;
    }
    v->session_cause = s->is_ended ? "session.ended" : session_limit_cause(limit);
    session_unref(&s);
    return false;
}

/* The answer to what this visit asked of the value numbered `i`. PERMITTED: go on. */
static enum visit_outcome take_answer(struct visit *v, size_t i, struct session **out)
{
    enum visit_asked asked = v->asked;
    struct session *found = v->found;
    v->asked = ASKED_NOTHING;
    v->found = NULL;
    v->ruled_out |= (uint8_t)(1u << i);
    if (asked == ASKED_FOUND)
        take_if_good(v, found, out);
    return asked == ASKED_FAILED ? refuse_store(v) : VISIT_PERMITTED;
}

static enum visit_outcome ask(struct visit *v, size_t i, str value)
{
    unsigned char hash[32];
    const struct gate_options *o = &v->gate->options;
    if (!session_cookie_check(o->cookie_keys, v->request.host, value, hash)) {
        v->ruled_out |= (uint8_t)(1u << i);
        return VISIT_PERMITTED;
    }
    counter_add(&o->counters->sessions_asked, 1);
    if (!session_ask(v, value, hash))
        return refuse_store(v);
    v->asked_cookie = (uint8_t)i;
    return visit_wait(v, v->pin->snapshot->config->limits.store_wait_ms);
}

static enum visit_outcome try_value(struct visit *v, size_t i, str value, struct session **out)
{
    struct gate *g = v->gate;
    if (v->ruled_out >> i & 1)
        return VISIT_PERMITTED;
    if (v->asked == ASKED_WAITING && v->asked_cookie == i) {
        if (v->wait_is_over)
            return refuse_store(v);
        return visit_wait(v, v->pin->snapshot->config->limits.store_wait_ms);
    }
    if (v->asked != ASKED_NOTHING && v->asked_cookie == i)
        return take_answer(v, i, out);
    struct session *known = session_cache_get(g->sessions, value, v->request.host);
    if (known && limit_of(v, known) == SESSION_MAY_BE_IDLE) {
        session_cache_drop(g->sessions, known);
        known = NULL;
    }
    if (!known)
        return ask(v, i, value);
    counter_add(&g->options.counters->sessions_known, 1);
    if (!take_if_good(v, session_ref(known), out))
        v->ruled_out |= (uint8_t)(1u << i);
    return VISIT_PERMITTED;
}

enum visit_outcome session_prove(struct visit *v, struct session **out)
{
    str rest = v->request.cookie;
    *out = NULL;
    if (!v->gate->options.store)
        return VISIT_PERMITTED;
    for (size_t i = 0; i < TRIED_MOST; i++) {
        str value = session_cookie_next(&rest, STR(SESSION_COOKIE));
        if (!value.p)
            break;
        enum visit_outcome outcome = try_value(v, i, value, out);
        if (outcome != VISIT_PERMITTED || *out)
            return outcome;
    }
    return VISIT_PERMITTED;
}

/* The limits of the rules are not those of the configuration: by theirs the session may be idle, if
 * the person was not busy elsewhere. */
enum visit_outcome session_prove_again(struct visit *v)
{
    session_cache_drop(v->gate->sessions, v->session);
    session_unref(&v->session);
    credential_unref(&v->who);
    v->ruled_out = 0;
    v->step = STEP_AUTHENTICATE;
    return authenticate_and_reserve(v);
}

/* A certificate that is not good proves nothing, neither this nor another device. */
bool session_is_elsewhere(const struct visit *v, const struct session *s)
{
    const struct gate_cert *cert = v->request.cert;
    char hex[2 * sizeof cert->cert.fingerprint];
    if (!s->device_proof.p || !cert || cert->verdict != CERT_OK)
        return false;
    hex_encode(cert->cert.fingerprint, sizeof cert->cert.fingerprint, hex);
    return !str_eq(s->device_proof, (str){hex, sizeof hex});
}
