/* lint_value: values that are legal, and have no effect or another than they seem to. */
#include "policy/lint.h"

/* The registry of HTTP methods, less what no proxy is asked, and PURGE of the caches. */
static const char *const known_methods[] = {
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "QUERY",
    "ACL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "ORDERPATCH",
    "MKWORKSPACE",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",
    "BASELINE-CONTROL",
    "VERSION-CONTROL",
    "PURGE",
};
enum { N_METHODS = sizeof known_methods / sizeof *known_methods };

static void lint_method(struct load *l, const struct doc_node *node)
{
    str names[N_METHODS];

    for (size_t i = 0; i < N_METHODS; i++) {
        names[i] = str_of(known_methods[i]);
        if (str_eq(names[i], node->text))
            return;
    }
    str near = findings_nearest(node->text, names, N_METHODS);
    doc_warn(l->f, node, "unknown-method",
             near.p ? arena_printf(l->a, "did you mean \"%.*s\"?", STR_ARG(near)).p
                    : "methods compare exactly",
             "\"%.*s\" is none of the registered methods", STR_ARG(node->text));
}

void lint_methods(struct load *l, const struct rule *rule)
{
    const struct doc_node *list = doc_get(doc_get(rule->node, "to"), "methods");

    for (size_t i = 0; i < load_count(list); i++)
        lint_method(l, load_item(list, i));
}

void lint_session(struct load *l, const struct rule *rule)
{
    const struct session_terms *terms = rule->session;
    const struct doc_node *node = doc_get(rule->node, "session"), *idle = doc_get(node, "idle");

    if (terms && idle && terms->max_s >= 0 && terms->idle_s > terms->max_s)
        doc_warn(l->f, idle, "idle-over-max", "write an idle that is less than max",
                 "idle: %.*s has no effect: after max: %.*s the session is over",
                 STR_ARG(idle->text), STR_ARG(doc_text(node, "max")));
}
