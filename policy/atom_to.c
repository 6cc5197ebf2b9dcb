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

static bool globs_match(const struct eval *e, struct glob_list globs)
{
    str path = e->facts->request->path;

    for (size_t i = 0; i < globs.n; i++)
        if (path_glob_match(&globs.items[i], path, e->app->face.ignores_case))
            return true;
    return false;
}

static enum policy_tri to_regexes(struct eval *e, const struct to *to)
{
    enum policy_tri r = POLICY_FALSE;

    for (size_t i = 0; i < to->n_regexes && r != POLICY_TRUE; i++) {
        const struct regex *regex = &to->regexes[i];
        const pcre2_code *code = e->app->face.ignores_case ? regex->code_nocase : regex->code;
        r = tri_or(r, regex_matches(code, e->facts->request->path));
    }
    if (r == POLICY_UNKNOWN)
        eval_note(e, r, STR("regex-limit"));
    return r;
}

static enum policy_tri to_path(struct eval *e, const struct to *to)
{
    enum policy_tri r = POLICY_TRUE;

    if (to->paths.n)
        r = tri_of(globs_match(e, to->paths));
    if (to->except.n)
        r = tri_and(r, tri_of(!globs_match(e, to->except)));
    if (to->n_regexes && r == POLICY_TRUE)
        r = to_regexes(e, to);
    return eval_note(e, r, STR("to.path"));
}

static enum policy_tri to_http(struct eval *e, const struct to *to)
{
    enum policy_tri r = POLICY_TRUE;
    bool wants_path = to->paths.n || to->except.n || to->n_regexes;

    if (!to->names_http_parts)
        return r;
    if (e->facts->request->protocol != POLICY_HTTP)
        return eval_note(e, POLICY_FALSE, to->methods.n ? STR("to.method") : STR("to.path"));
    if (to->methods.n)
        r = eval_note(e, tri_of(list_has(to->methods, e->facts->request->method)),
                      STR("to.method"));
    if (wants_path && !eval_is_settled(e, r))
        r = tri_and(r, to_path(e, to));
    return r;
}

enum policy_tri atom_to(struct eval *e, const struct to *to)
{
    enum policy_tri r = POLICY_TRUE;

    if (to->logins.n)
        r = eval_note(e,
                      tri_of(e->facts->request->protocol == POLICY_SSH &&
                             list_has(to->logins, e->facts->request->login)),
                      STR("to.login"));
    return eval_is_settled(e, r) ? r : tri_and(r, to_http(e, to));
}
