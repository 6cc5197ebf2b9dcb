/* What the desk writes into the log: log-ins and what became of them. Never a token, a code, a
 * cookie or a password. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>

enum { TEXT_MOST = 512, AGENT_MOST = 256, IDENTITY_MOST = 12 * 1024 };

static void write_client(struct jout *j, const struct addr *client)
{
    char text[ADDR_TEXT_BYTES];
    if (!client->family)
        return;
    size_t n = addr_text(client, text);
    jout_key(j, STR("client"));
    jout_open(j, '{');
    jout_kplain(j, STR("address"), (str){text, n});
    jout_close(j, '}');
}

void entry_open(struct entry *r, struct desk *d, str kind, const struct desk_ask *ask)
{
    r->desk = d;
    jout_init(&r->j, r->text, sizeof r->text);
    jout_open(&r->j, '{');
    jout_ktime(&r->j, STR("time"), loop_wall_us(d->options.loop));
    jout_kplain(&r->j, STR("kind"), kind);
    jout_kstr(&r->j, STR("node"), d->options.node);
    jout_kstr(&r->j, STR("boot"), d->options.boot);
    if (!ask)
        return;
    if (ask->request_id.n)
        jout_kstr(&r->j, STR("id"), ask->request_id);
    write_client(&r->j, &ask->client);
    if (ask->agent.n)
        jout_kstr(&r->j, STR("agent"), str_upto(ask->agent, AGENT_MOST));
    entry_text(r, STR("app"), ask->app);
}

void entry_text(struct entry *r, str name, str value)
{
    if (value.n)
        jout_kstr(&r->j, name, str_upto(value, TEXT_MOST));
}

void entry_grant(struct entry *r, const struct store_grant *x)
{
    jout_key(&r->j, STR("grant"));
    jout_open(&r->j, '{');
    if (x->id)
        jout_kint(&r->j, STR("id"), x->id);
    entry_text(r, STR("rule"), x->rule);
    entry_text(r, STR("app"), x->app);
    entry_text(r, STR("issuer"), x->issuer);
    entry_text(r, STR("subject"), x->subject);
    entry_text(r, STR("email"), x->email);
    entry_text(r, STR("reason"), x->purpose);
    if (x->expires_s)
        jout_kint(&r->j, STR("expires"), x->expires_s);
    if (x->valid_for_s)
        jout_kint(&r->j, STR("valid_for"), x->valid_for_s);
    jout_close(&r->j, '}');
}

bool entry_close(struct entry *r)
{
    const struct audit *audit = r->desk->options.audit;
    jout_close(&r->j, '}');
    if (!audit_is_writable(audit) && !audit_continues(audit))
        return false; /* it would wait for a disk that has failed */
    return !r->j.overflow && audit_append(r->desk->options.audit, jout_text(&r->j));
}

char *entry_credential(const struct credential *c)
{
    return mem_dup(c->record.n <= IDENTITY_MOST ? c->record : STR("\"identity\":null"));
}

char *entry_identity(const struct identity *id, const struct issuer *issuer)
{
    char *scratch = mem_alloc(CREDENTIAL_SCRATCH_BYTES);
    struct credential *c = credential_create(id, issuer, NULL, scratch);
    char *out = entry_credential(c);
    credential_unref(&c);
    free(scratch);
    return out;
}

void entry_login_failed(struct desk *d, const struct desk_ask *ask, str issuer, const char *reason,
                        const struct oidc_flow *flow)
{
    struct entry r;
    entry_open(&r, d, STR("login.failed"), ask);
    entry_text(&r, STR("issuer"), issuer);
    entry_text(&r, STR("reason"), str_of(reason));
    if (builtin_email_is_sound(ask->email)) /* else a password may have got into that field */
        entry_text(&r, STR("email"), ask->email);
    if (flow) {
        enum token_verdict token = oidc_flow_token_verdict(flow);
        if (token != TOKEN_OK && token != TOKEN_INVALID)
            entry_text(&r, STR("token"), str_of(token_verdict_code(token)));
        entry_text(&r, STR("error"), oidc_flow_error(flow));
    }
    (void)!entry_close(&r);
}
