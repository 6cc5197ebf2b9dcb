/* The steps of a flow. See oidc.h.
 *
 * A flow that failed or ended moves no more: an answer that comes late finds OIDC_AT_END. Every
 * stage takes one kind of input once, so that no answer of the provider can be used twice. */
#include "authn/oidc_inner.h"

#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/secret.h"

static const struct {
    const char *code, *text;
} verdicts[OIDC_VERDICT_COUNT] = {
#define X(id, code, text) [id] = {code, text},
    OIDC_VERDICTS(X)
#undef X
};

const char *oidc_verdict_code(enum oidc_verdict v)
{
    assert((unsigned)v < OIDC_VERDICT_COUNT);
    return verdicts[v].code;
}

const char *oidc_verdict_text(enum oidc_verdict v)
{
    assert((unsigned)v < OIDC_VERDICT_COUNT);
    return verdicts[v].text;
}

/* ---- birth and death --------------------------------------------------------------------------
 */

static void random_text(char out[OIDC_STATE_CHARS])
{
    unsigned char bytes[32];
    random_fill(bytes, sizeof bytes);
    base64url_encode((str){(char *)bytes, sizeof bytes}, out);
    secret_wipe(bytes, sizeof bytes);
}

/* Absent stays absent: an empty wish would be sent. */
static str keep(struct oidc_flow *f, str s)
{
    return s.p ? arena_dup(&f->arena, s) : s;
}

static struct oidc_flow *flow_create(void)
{
    struct oidc_flow *f = mem_alloc(sizeof *f);
    arena_init(&f->arena, f->block, sizeof f->block);
    f->arena.chunk_bytes = 2048; /* thousands may wait for their browsers */
    f->stage = OIDC_AT_BEGIN;
    f->token_verdict = TOKEN_OK;
    f->wish.max_age_s = -1;
    return f;
}

struct oidc_flow *oidc_login_create(const struct oidc_client *c, const struct oidc_provider *p,
                                    const struct oidc_wish *wish)
{
    (void)c, (void)p;
    struct oidc_flow *f = flow_create();
    random_text(f->state);
    random_text(f->nonce);
    random_text(f->verifier);
    if (wish) {
        f->wish = *wish;
        f->wish.acr = wish->acr.n ? keep(f, wish->acr) : (str){NULL, 0};
        f->wish.login_hint = wish->login_hint.n ? keep(f, wish->login_hint) : (str){NULL, 0};
    }
    return f;
}

struct oidc_flow *oidc_refresh_create(const struct oidc_client *c, const struct oidc_provider *p,
                                      str refresh_token, str subject, str claims)
{
    (void)c, (void)p;
    struct oidc_flow *f = flow_create();
    f->is_refresh = true;
    f->subject = keep(f, subject);
    f->claims = keep(f, claims);
    f->outcome.refresh_token = keep(f, refresh_token); /* kept unless the provider rotates it */
    return f;
}

void oidc_flow_destroy(struct oidc_flow **flow)
{
    struct oidc_flow *f = *flow;
    *flow = NULL;
    if (!f)
        return;
    identity_unref(&f->identity);
    arena_wipe(&f->arena);
    secret_wipe(f, sizeof *f);
    free(f);
}

/* ---- steps ------------------------------------------------------------------------------------
 */

static enum oidc_step fail_with(struct oidc_flow *f, enum oidc_verdict verdict)
{
    f->stage = OIDC_AT_END;
    f->verdict = verdict;
    return OIDC_FAILED;
}

static enum oidc_step go(struct oidc_flow *f, enum oidc_stage stage, enum oidc_step step)
{
    f->stage = stage;
    return step;
}

static enum oidc_step fetch_or_fail(struct oidc_flow *f, bool is_ready, enum oidc_stage stage)
{
    return is_ready ? go(f, stage, OIDC_FETCH) : fail_with(f, OIDC_INVALID);
}

enum oidc_step oidc_begin(struct oidc_flow *f, const struct oidc_client *c,
                          const struct oidc_provider *p, int64_t now_s)
{
    const struct oidc_call k = {f, c, p, NULL, now_s};
    if (f->stage != OIDC_AT_BEGIN)
        return fail_with(f, OIDC_INVALID);
    if (f->is_refresh)
        return fetch_or_fail(f, oidc_request_refresh(&k, f->outcome.refresh_token), OIDC_AT_TOKEN);
    if (p->par_endpoint.p)
        return fetch_or_fail(f, oidc_request_par(&k), OIDC_AT_PAR);
    oidc_request_url(&k);
    return go(f, OIDC_AT_BROWSER, OIDC_REDIRECT);
}

static enum oidc_step par_answered(const struct oidc_call *k, int status, str content_type,
                                   str body)
{
    str request_uri;
    if (status != 201 && status != 200)
        return fail_with(k->f, oidc_answer_error(k->f, content_type, body));
    if (!oidc_answer_par(k->f, content_type, body, &request_uri))
        return fail_with(k->f, OIDC_ANSWER);
    oidc_request_url_of_par(k, request_uri);
    return go(k->f, OIDC_AT_BROWSER, OIDC_REDIRECT);
}

/* What is handed out is read back from what will be stored: a session's identity is the same now
 * and after a restart. */
static enum oidc_step finish(const struct oidc_call *k)
{
    struct oidc_flow *f = k->f;
    identity_unref(&f->identity);
    f->identity = identity_from_claims(k->c->issuer, f->claims, NULL);
    if (!f->identity)
        return fail_with(f, OIDC_ANSWER);
    f->outcome.identity = f->identity;
    f->outcome.claims = f->claims;
    f->outcome.id_token = f->id_token;
    f->outcome.sid = f->identity->sid;
    f->verdict = OIDC_OK;
    return go(f, OIDC_AT_END, OIDC_DONE);
}

static enum oidc_step ask_userinfo(const struct oidc_call *k)
{
    if (!k->c->from_userinfo)
        return finish(k);
    if (!k->p->userinfo_endpoint.p)
        return fail_with(k->f, OIDC_USERINFO);
    oidc_request_userinfo(k);
    return go(k->f, OIDC_AT_USERINFO, OIDC_FETCH);
}

static enum oidc_step verify(const struct oidc_call *k)
{
    struct oidc_flow *f = k->f;
    struct issuer issuer = oidc_issuer_of(k->c);
    f->token_verdict =
        token_verify(&issuer, k->keys, f->id_token, TOKEN_KIND_ID, k->now_s, &f->identity);
    if (f->token_verdict == TOKEN_UNKNOWN_KID && !f->has_asked_keys) {
        f->has_asked_keys = true;
        return go(f, OIDC_AT_KEYS, OIDC_KEYS);
    }
    if (f->token_verdict != TOKEN_OK)
        return fail_with(f, OIDC_TOKEN);
    enum oidc_verdict verdict = oidc_id_check(k, f->identity);
    if (verdict != OIDC_OK)
        return fail_with(f, verdict);
    if (!oidc_claims_of_token(&f->arena, f->id_token, f->claims, &f->claims))
        return fail_with(f, OIDC_ANSWER);
    return ask_userinfo(k);
}

static enum oidc_step tokens_answered(const struct oidc_call *k, int status, str content_type,
                                      str body)
{
    if (status != 200)
        return fail_with(k->f, oidc_answer_error(k->f, content_type, body));
    enum oidc_verdict verdict = oidc_answer_tokens(k->f, content_type, body);
    if (verdict != OIDC_OK)
        return fail_with(k->f, verdict);
    return k->f->id_token.p ? verify(k) : ask_userinfo(k);
}

static str subject_of(const struct oidc_flow *f)
{
    return f->identity ? f->identity->subject : f->subject;
}

static enum oidc_step userinfo_answered(const struct oidc_call *k, int status, str content_type,
                                        str body)
{
    struct oidc_flow *f = k->f;
    if (status != 200)
        return fail_with(f, OIDC_USERINFO);
    enum oidc_verdict verdict = oidc_claims_add(&f->arena, k->c->issuer, f->claims, content_type,
                                                body, subject_of(f), &f->claims);
    return verdict == OIDC_OK ? finish(k) : fail_with(f, verdict);
}

enum oidc_step oidc_fetched(struct oidc_flow *f, const struct oidc_client *c,
                            const struct oidc_provider *p, const struct keyset *keys, int status,
                            str content_type, str body, int64_t now_s)
{
    const struct oidc_call k = {f, c, p, keys, now_s};
    enum oidc_stage stage = f->stage;
    if (stage != OIDC_AT_PAR && stage != OIDC_AT_TOKEN && stage != OIDC_AT_USERINFO)
        return OIDC_FAILED;
    if (oidc_answer_is_none(status))
        return fail_with(f, OIDC_UNREACHABLE);
    if (stage == OIDC_AT_PAR)
        return par_answered(&k, status, content_type, body);
    if (stage == OIDC_AT_TOKEN)
        return tokens_answered(&k, status, content_type, body);
    return userinfo_answered(&k, status, content_type, body);
}

enum oidc_step oidc_keys(struct oidc_flow *f, const struct oidc_client *c,
                         const struct oidc_provider *p, const struct keyset *keys, int64_t now_s)
{
    const struct oidc_call k = {f, c, p, keys, now_s};
    return f->stage == OIDC_AT_KEYS ? verify(&k) : OIDC_FAILED;
}

/* ---- the browser comes back --------------------------------------------------------------------
 */

static enum oidc_verdict meaning_of(str error)
{
    static const char *const interaction[] = {"login_required", "interaction_required",
                                              "consent_required", "account_selection_required"};
    if (str_eq(error, STR("access_denied")))
        return OIDC_DENIED;
    for (size_t i = 0; i < sizeof interaction / sizeof *interaction; i++)
        if (str_eq(error, str_of(interaction[i])))
            return OIDC_INTERACTION;
    return OIDC_ERROR;
}

/* The order matters: who answers (state, iss) comes before what is answered, so that no foreign
 * provider can put words into the mouth of ours. */
static enum oidc_verdict judge_answer(struct oidc_flow *f, const struct oidc_provider *p,
                                      const struct oidc_form *form)
{
    str iss = oidc_form_get(form, STR("iss")), error = oidc_form_get(form, STR("error"));
    str code = oidc_form_get(form, STR("code"));
    if (!secret_eq(oidc_form_get(form, STR("state")), oidc_flow_state(f)))
        return OIDC_STATE;
    if (iss.p ? !str_eq(iss, p->issuer) : p->sends_iss)
        return OIDC_ISS;
    if (error.p) {
        oidc_keep_error(f, error);
        return meaning_of(error);
    }
    if (code.n == 0 || code.n > OIDC_MAX_CODE)
        return OIDC_CODE;
    f->code = arena_dup(&f->arena, code);
    return OIDC_OK;
}

enum oidc_step oidc_answered(struct oidc_flow *f, const struct oidc_client *c,
                             const struct oidc_provider *p, str query, int64_t now_s)
{
    const struct oidc_call k = {f, c, p, NULL, now_s};
    struct arena scratch;
    struct oidc_form form;
    if (f->stage != OIDC_AT_BROWSER)
        return fail_with(f, OIDC_STATE);
    arena_init(&scratch, NULL, 0);
    enum oidc_verdict verdict =
        oidc_form_read(&scratch, query, &form) ? judge_answer(f, p, &form) : OIDC_ANSWER;
    arena_wipe(&scratch);
    if (verdict != OIDC_OK)
        return fail_with(f, verdict);
    return fetch_or_fail(f, oidc_request_code(&k), OIDC_AT_TOKEN);
}

/* ---- what a flow has to say --------------------------------------------------------------------
 */

str oidc_flow_state(const struct oidc_flow *f)
{
    return f->is_refresh ? (str){NULL, 0} : (str){f->state, OIDC_STATE_CHARS};
}

str oidc_flow_url(const struct oidc_flow *f)
{
    return f->url;
}

const struct oidc_fetch *oidc_flow_fetch(const struct oidc_flow *f)
{
    return &f->fetch;
}

enum oidc_verdict oidc_flow_verdict(const struct oidc_flow *f)
{
    return f->verdict;
}

enum token_verdict oidc_flow_token_verdict(const struct oidc_flow *f)
{
    return f->token_verdict;
}

str oidc_flow_error(const struct oidc_flow *f)
{
    return f->error;
}

const struct oidc_outcome *oidc_flow_outcome(const struct oidc_flow *f)
{
    return &f->outcome;
}
