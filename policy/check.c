/* check: what loads, but a reader of the rules should know. Warnings make --strict fail; notes do
 * not. */
#include "policy/lint.h"

static void note(struct load *l, const struct doc_node *node, const char *code, const char *fmt,
                 str a, str b)
{
    struct finding_at at = doc_at(node);
    findings_add(l->f, FINDING_NOTE, code, &at, NULL, fmt, STR_ARG(a), STR_ARG(b));
}

/* ---- claims that may be absent -------------------------------------------------------------- */

static const struct policy_known_issuer *issuer_without(const struct policy_known *known, str claim)
{
    for (size_t i = 0; i < known->n_issuers; i++) {
        const struct policy_known_issuer *issuer = &known->issuers[i];
        bool lists_it = false;
        for (size_t k = 0; k < issuer->n_absent_means_none && !lists_it; k++)
            lists_it = str_eq(issuer->absent_means_none[k], claim);
        if (!lists_it)
            return issuer;
    }
    return NULL;
}

static void warn_absent(struct load *l, const struct doc_node *key, str claim)
{
    const struct policy_known_issuer *issuer = issuer_without(l->in->known, claim);
    if (issuer)
        doc_warn(l->f, key, "absent-claim",
                 "list the claim in absent_means_none if the issuer always sends it when there is "
                 "any value",
                 "this rule also fires for people without a claim \"%.*s\": issuer \"%.*s\" does "
                 "not say that its absence means none",
                 STR_ARG(str_upto(claim, 80)), STR_ARG(issuer->name));
}

static void check_absent(struct load *l, const struct doc_node *who)
{
    static const char *const branches[] = {"any", "all"};
    const struct doc_node *claims = doc_get(who, "claims");
    if (doc_get(who, "groups"))
        warn_absent(l, doc_key(who, "groups"), STR("groups"));
    for (size_t i = 0; claims && i < claims->n; i++)
        warn_absent(l, claims->keys[i], claims->keys[i]->text);
    for (size_t b = 0; b < 2; b++) {
        const struct doc_node *list = doc_get(who, branches[b]);
        for (size_t i = 0; i < load_count(list); i++)
            check_absent(l, load_item(list, i));
    }
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void check_rule(struct load *l, const struct rule *rule)
{
    const struct doc_node *node = rule->node;
    if (rule->effect == RULE_ALLOW && rule->to->everything)
        doc_warn(l->f, doc_get(node, "to"), "allow-everything", "name apps or labels",
                 "rule \"%.*s\" allows every app, also those that are added later",
                 STR_ARG(rule->id));
    if (!rule->to->everything && rule->to->apps.n == 0 && l->f->errors == 0)
        doc_warn(l->f, doc_get(node, "to"), "no-app", "mend its to, or remove it",
                 "rule \"%.*s\" concerns no app", STR_ARG(rule->id));
    if (rule->ignores_missing && rule->effect != RULE_ALLOW)
        doc_warn(l->f, doc_key(node, "on_missing"), "on-missing-ignore",
                 "leave on_missing out unless that is meant",
                 "rule \"%.*s\" does not fire when a fact is missing", STR_ARG(rule->id));
    if (l->in->now_s > 0 && rule->expires_s <= l->in->now_s)
        doc_warn(l->f, doc_get(node, "expires"), "expired", "remove it", "rule \"%.*s\" is over",
                 STR_ARG(rule->id));
    if (l->in->known && rule->effect != RULE_ALLOW && !rule->ignores_missing)
        check_absent(l, doc_get(node, "who"));
}

/* ---- apps ------------------------------------------------------------------------------------ */

static bool is_everything(const struct path_glob *glob)
{
    for (size_t i = 0; i < glob->n; i++)
        if (glob->segments[i].kind != PATH_SEGMENT_ANY)
            return false;
    return glob->n > 0;
}

static void list_public_paths(struct load *l, const struct app *app)
{
    const struct doc_node *globs = doc_get(app->face.node, "public_paths");
    for (size_t i = 0; i < load_count(globs); i++)
        if (is_everything(&app->public_paths.items[i]))
            doc_warn(l->f, load_item(globs, i), "public-everything",
                     "name the paths that need no sign-in",
                     "app \"%.*s\" is open to everybody, without sign-in: no allow or require "
                     "counts there",
                     STR_ARG(app->face.name));
        else
            note(l, load_item(globs, i), "public-path",
                 "app \"%.*s\" serves \"%.*s\" to everybody, without sign-in", app->face.name,
                 load_item(globs, i)->text);
}

static void say_what_is_unchecked(struct load *l)
{
    if (!l->in->known)
        findings_add(l->f, FINDING_NOTE, "no-configuration", NULL, NULL,
                     "without a configuration the names of issuers, services, device sources and "
                     "channels are not checked");
}

void check_set(struct load *l)
{
    say_what_is_unchecked(l);
    for (size_t i = 0; i < l->p->n_apps; i++) {
        if (l->apps[i].face.host.p)
            list_public_paths(l, &l->apps[i]);
    }
    for (size_t i = 0; i < l->p->n_rules; i++) {
        if (l->rules[i].to)
            check_rule(l, &l->rules[i]);
    }
    if (l->in->wants_lints && l->f->errors == 0)
        lint_set(l);
}
