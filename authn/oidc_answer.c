/* What the token endpoint, PAR and userinfo answer. See oidc_inner.h.
 *
 * Read as strictly as a token: one object, no name twice, no control characters. What a provider
 * says of an error goes to the log, never to the page of a person. */
#include "authn/oidc_inner.h"

bool oidc_answer_is_none(int status)
{
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static bool is_json(str content_type)
{
    str type = str_trim(str_upto(content_type, str_find(content_type, ';')), " \t");
    return str_eq_nocase(type, STR("application/json"));
}

const struct jnode *oidc_answer_open(struct arena *scratch, str content_type, str body)
{
    bool has_control = false;
    if (!is_json(content_type) || body.n > OIDC_MAX_ANSWER)
        return NULL;
    str copy = arena_dup(scratch, body);
    const struct jnode *root = jread_object(scratch, (char *)copy.p, copy.n, &has_control);
    return has_control ? NULL : root;
}

/* What RFC 6749 has errors made of, and little more; the rest becomes '?'. */
static bool is_error_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-.:/", c));
}

void oidc_keep_error(struct oidc_flow *f, str error)
{
    if (!error.p)
        return;
    error = str_upto(error, OIDC_MAX_ERROR);
    char *p = arena_text(&f->arena, error.n + 1);
    for (size_t i = 0; i < error.n; i++)
        p[i] = is_error_char(error.p[i]) ? error.p[i] : '?';
    p[error.n] = '\0';
    f->error = (str){p, error.n};
}

enum oidc_verdict oidc_answer_error(struct oidc_flow *f, str content_type, str body)
{
    struct arena scratch;
    arena_init(&scratch, NULL, 0);
    str error = jread_text(oidc_answer_open(&scratch, content_type, body), "error");
    oidc_keep_error(f, error);
    bool is_grant = str_eq(error, STR("invalid_grant"));
    arena_wipe(&scratch);
    if (!is_grant)
        return OIDC_ERROR;
    return f->is_refresh ? OIDC_GRANT_ENDED : OIDC_CODE;
}

/* A text that goes into a header later: RFC 6749, appendix A, has it printable ASCII. */
static bool is_secret_text(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0 && s.n <= OIDC_MAX_SECRET;
}

/* A member that may be absent or null; false when it is there and no such text. */
static bool read_secret(struct oidc_flow *f, const struct jnode *root, const char *name, str *out)
{
    const struct jnode *m = jread_get(root, name);
    if (!m || m->kind == J_NULL)
        return true;
    if (m->kind != J_STRING || !is_secret_text(m->text))
        return false;
    *out = arena_dup(&f->arena, m->text);
    return true;
}

/* An ID token may be as long as any token and its own verdict says when it is longer. */
static bool read_id_token(struct oidc_flow *f, const struct jnode *root)
{
    const struct jnode *m = jread_get(root, "id_token");
    if (!m || m->kind == J_NULL)
        return true;
    if (m->kind != J_STRING || m->text.n == 0)
        return false;
    f->id_token = arena_dup(&f->arena, m->text);
    return true;
}

enum oidc_verdict oidc_answer_tokens(struct oidc_flow *f, str content_type, str body)
{
    struct arena scratch;
    arena_init(&scratch, NULL, 0);
    const struct jnode *root = oidc_answer_open(&scratch, content_type, body);
    bool is_good = root && str_eq_nocase(jread_text(root, "token_type"), STR("Bearer")) &&
                   read_secret(f, root, "access_token", &f->access_token) &&
                   read_secret(f, root, "refresh_token", &f->outcome.refresh_token) &&
                   read_id_token(f, root) && f->access_token.p && (f->id_token.p || f->is_refresh);
    arena_wipe(&scratch);
    return is_good ? OIDC_OK : OIDC_ANSWER;
}

bool oidc_answer_par(struct oidc_flow *f, str content_type, str body, str *request_uri)
{
    struct arena scratch;
    double expires;
    arena_init(&scratch, NULL, 0);
    const struct jnode *root = oidc_answer_open(&scratch, content_type, body);
    str uri = jread_text(root, "request_uri");
    bool is_good =
        is_secret_text(uri) && jread_number(jread_get(root, "expires_in"), &expires) && expires > 0;
    if (is_good)
        *request_uri = arena_dup(&f->arena, uri);
    arena_wipe(&scratch);
    return is_good;
}
