/* atom_to: the target. Apps, labels and protocols were resolved into buckets on loading; what is
 * left are the parts of the request. */
#include "policy/eval.h"

/* PCRE2 wants a match context and match data, and both come from an allocator: it gets this room on
 * the stack. When that does not suffice the match fails, and a failed match is unknown. */
struct regex_room {
    size_t used;
    _Alignas(16) unsigned char bytes[32 << 10];
};

static void *room_alloc(size_t n, void *ctx)
{
    struct regex_room *room = ctx;

    n = (n + 15) & ~(size_t)15;
    if (n > sizeof room->bytes - room->used)
        return NULL;
    room->used += n;
    return room->bytes + room->used - n;
}

static void room_free(void *p, void *ctx)
{
    (void)p;
    (void)ctx;
}

static enum policy_tri regex_matches(const pcre2_code *code, str path)
{
    struct regex_room room;
    room.used = 0;
    pcre2_general_context *general = pcre2_general_context_create(room_alloc, room_free, &room);
    pcre2_match_context *context = general ? pcre2_match_context_create(general) : NULL;
    pcre2_match_data *data = general ? pcre2_match_data_create(1, general) : NULL;

    if (!context || !data)
        return POLICY_UNKNOWN;
    pcre2_set_match_limit(context, POLICY_REGEX_MATCH_LIMIT);
    int rc = pcre2_match(code, (PCRE2_SPTR)path.p, path.n, 0, 0, data, context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return POLICY_FALSE;
    return rc >= 0 ? POLICY_TRUE : POLICY_UNKNOWN;
}

static bool globs_match(const struct eval *e, struct part globs)
{
    const str *texts = e->policy->compiled->globs;
    str path = e->facts->request->path;

    for (uint32_t i = 0; i < globs.n; i++)
        if (path_glob_match_text(texts[globs.ids[i]], path, e->app->face.ignores_case))
            return true;
    return false;
}

static enum policy_tri to_regexes(struct eval *e, struct part regexes)
{
    enum policy_tri r = POLICY_FALSE;

    for (uint32_t i = 0; i < regexes.n && r != POLICY_TRUE; i++) {
        const struct regex *regex = &e->policy->compiled->regexes[regexes.ids[i]];
        const pcre2_code *code = e->app->face.ignores_case ? regex->code_nocase : regex->code;
        r = tri_or(r, regex_matches(code, e->facts->request->path));
    }
    if (r == POLICY_UNKNOWN)
        eval_note(e, r, STR("regex-limit"));
    return r;
}

static enum policy_tri to_path(struct eval *e, const uint32_t *to)
{
    struct part paths = part_find(to, PART_PATHS), except = part_find(to, PART_EXCEPT),
                regexes = part_find(to, PART_REGEXES);
    enum policy_tri r = POLICY_TRUE;

    if (!paths.n && !except.n && !regexes.n)
        return r;
    if (paths.n)
        r = tri_of(globs_match(e, paths));
    if (except.n)
        r = tri_and(r, tri_of(!globs_match(e, except)));
    if (regexes.n && r == POLICY_TRUE)
        r = to_regexes(e, regexes);
    return eval_note(e, r, STR("to.path"));
}

static bool names_http_parts(const uint32_t *to)
{
    struct part part;

    while (part_next(&to, &part))
        if (part.kind != PART_LOGINS)
            return true;
    return false;
}

/* What names parts of http is false for ssh and rdp. */
static enum policy_tri to_http(struct eval *e, const uint32_t *to)
{
    struct part methods = part_find(to, PART_METHODS);
    enum policy_tri r = POLICY_TRUE;

    if (!names_http_parts(to))
        return r;
    if (e->facts->request->protocol != POLICY_HTTP)
        return eval_note(e, POLICY_FALSE, methods.n ? STR("to.method") : STR("to.path"));
    if (methods.n)
        r = eval_note(e,
                      tri_of(texts_have(e->policy->compiled, methods, e->facts->request->method)),
                      STR("to.method"));
    return eval_is_settled(e, r) ? r : tri_and(r, to_path(e, to));
}

enum policy_tri atom_to(struct eval *e, uint32_t number)
{
    const uint32_t *to = e->policy->compiled->parts + number;
    struct part logins = part_find(to, PART_LOGINS);
    enum policy_tri r = POLICY_TRUE;

    if (logins.n)
        r = eval_note(e,
                      tri_of(e->facts->request->protocol == POLICY_SSH &&
                             texts_have(e->policy->compiled, logins, e->facts->request->login)),
                      STR("to.login"));
    return eval_is_settled(e, r) ? r : tri_and(r, to_http(e, to));
}
