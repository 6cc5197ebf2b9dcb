/* decode_rule: one rule, and what its keys may be beside its effect. */
#include <openssl/evp.h>

#include "base/encode.h"
#include "policy/load.h"
#include "policy/scalar.h"

/* ---- keys by effect -------------------------------------------------------------------------- */

static const struct {
    const char *key;
    bool allow, require, deny;
    const char *text;
} key_effects[] = {
    {"approval", true, true, false, "allow and require"},
    {"purpose", true, true, false, "allow and require"},
    {"session", true, true, false, "allow and require"},
    {"break_glass", true, false, false, "allow"},
    {"on_missing", false, true, true, "require and deny"},
};

static const char *const effect_names[] = {"deny", "require", "allow"};

static void check_effect_keys(struct load *l, const struct doc_node *node, enum rule_effect effect)
{
    for (size_t i = 0; i < sizeof key_effects / sizeof *key_effects; i++) {
        bool fits[] = {key_effects[i].deny, key_effects[i].require, key_effects[i].allow};
        const struct doc_node *key = fits[effect] ? NULL : doc_key(node, key_effects[i].key);
        if (key)
            doc_error(l->f, key, "wrong-effect", "leave it out, or write another effect",
                      "\"%s\" has no meaning beside effect: %s, only in %s", key_effects[i].key,
                      effect_names[effect], key_effects[i].text);
    }
}

static void check_require(struct load *l, const struct doc_node *node)
{
    static const char *const needs[] = {"device", "auth", "from", "when", "approval", "purpose"};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (doc_get(node, needs[i]))
            return;
    }
    doc_error(l->f, node, "missing-need", "write effect: deny if nobody may",
              "a require needs one of device, auth, from, when, approval and purpose");
}

/* ---- lifetime -------------------------------------------------------------------------------- */

static int64_t moment(const struct doc_node *node, const struct zone *zone, int32_t days_after)
{
    int64_t at;
    int32_t day;
    if (scalar_instant(node->text, &at))
        return at;
    if (!scalar_date(node->text, &day))
        return 0;
    return zone_instant_s(zone, ((int64_t)day + days_after) * ZONE_DAY_S);
}

static void read_lifetime(struct load *l, const struct doc_node *node, const struct zone *zone,
                          struct rule *rule)
{
    const struct doc_node *starts = doc_get(node, "starts"), *expires = doc_get(node, "expires");
    rule->starts_s = starts ? moment(starts, zone, 0) : POLICY_NEVER_S;
    rule->expires_s = expires ? moment(expires, zone, 1) : POLICY_FOREVER_S;
    if (starts && expires && rule->starts_s >= rule->expires_s)
        doc_warn(l->f, expires, "bad-lifetime", "set a later expires",
                 "rule \"%.*s\" expires before it starts, so it never holds", STR_ARG(rule->id));
}

/* ---- the smaller needs ----------------------------------------------------------------------- */

static const struct approval_need *read_approval(struct load *l, const struct doc_node *node)
{
    struct approval_need *need = arena_new(l->a, struct approval_need);
    need->by = decode_who(l, doc_get(node, "by"));
    need->count = (uint32_t)read_uint(doc_get(node, "count"), 1);
    need->valid_for_s = load_seconds(doc_get(node, "valid_for"), 0);
    need->reason_required = read_bool(doc_get(node, "reason_required"), false);
    return need;
}

static const struct purpose_need *read_purpose(struct load *l, const struct doc_node *node)
{
    struct purpose_need *need = arena_new(l->a, struct purpose_need);
    need->prompt = doc_text(node, "prompt");
    return need;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A break glass skips requires alone: nothing may skip a deny. */
static bool is_skippable(struct load *l, const struct def *d, const struct doc_node *node)
{
    if (str_eq(doc_text(d->node, "effect"), STR("require")))
        return true;
    doc_error(l->f, node, "bad-skip", "name a rule with effect: require",
              "\"%.*s\" is no require rule; a break glass can skip nothing else",
              STR_ARG(str_upto(node->text, 80)));
    return false;
}

struct index_list decode_rule_refs(struct load *l, const struct doc_node *node, bool skips)
{
    size_t n = 0;
    uint32_t *items = arena_array(l->a, uint32_t, load_count(node));
    for (size_t i = 0; i < load_count(node); i++) {
        const struct doc_node *item = load_item(node, i);
        const struct def *d = load_find(l, DEF_RULE, item);
        if (d && (!skips || is_skippable(l, d, item)))
            items[n++] = (uint32_t)d->index;
    }
    if (n > 0)
        qsort(items, n, sizeof *items, by_index);
    return (struct index_list){items, n};
}

static const struct break_glass *read_break_glass(struct load *l, const struct doc_node *node)
{
    struct break_glass *glass = arena_new(l->a, struct break_glass);
    glass->skips = decode_rule_refs(l, doc_get(node, "skips"), true);
    glass->notify = load_texts(l, doc_get(node, "notify"));
    if (l->in->known)
        load_check_known(l, doc_get(node, "notify"), "channel", l->in->known->channels,
                         l->in->known->n_channels);
    return glass;
}

static enum opinion read_opinion(const struct doc_node *node)
{
    if (!node)
        return OPINION_SILENT;
    return read_bool(node, false) ? OPINION_YES : OPINION_NO;
}

static const struct session_terms *read_session(struct load *l, const struct doc_node *node)
{
    struct session_terms *terms = arena_new(l->a, struct session_terms);
    terms->max_s = load_seconds(doc_get(node, "max"), -1);
    terms->idle_s = load_seconds(doc_get(node, "idle"), -1);
    terms->record = read_opinion(doc_get(node, "record"));
    terms->clipboard = read_opinion(doc_get(node, "clipboard"));
    terms->file_transfer = read_opinion(doc_get(node, "file_transfer"));
    terms->port_forwarding = read_opinion(doc_get(node, "port_forwarding"));
    return terms;
}

/* ---- digest of the text ---------------------------------------------------------------------- */

/* Bytes on their way into a digest: a rule is some hundred pieces of a few bytes. */
struct digesting {
    EVP_MD_CTX *md;
    size_t n;
    unsigned char room[1024];
};

static void digest_bytes(struct digesting *d, const void *p, size_t n)
{
    if (n > sizeof d->room - d->n) {
        EVP_DigestUpdate(d->md, d->room, d->n);
        d->n = 0;
    }
    if (n > sizeof d->room) {
        EVP_DigestUpdate(d->md, p, n);
        return;
    }
    memcpy(d->room + d->n, p, n);
    d->n += n;
}

static void digest_u64(struct digesting *d, uint64_t v)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(v >> (8 * i));
    digest_bytes(d, bytes, sizeof bytes);
}

/* Every part is preceded by its kind and length, so that no two trees give the same bytes. Comments
 * and layout do not count. */
static void digest_node(struct digesting *d, const struct doc_node *node)
{
    digest_u64(d, (uint64_t)node->kind << 1 | node->is_plain);
    if (node->kind == DOC_SCALAR) {
        digest_u64(d, node->text.n);
        digest_bytes(d, node->text.p, node->text.n);
        return;
    }
    digest_u64(d, node->n);
    for (size_t i = 0; i < node->n; i++) {
        if (node->kind == DOC_MAP)
            digest_node(d, node->keys[i]);
        digest_node(d, node->items[i]);
    }
}

static str digest_text(struct load *l, EVP_MD_CTX *md, const struct doc_node *node)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    struct digesting d;
    d.md = md;
    d.n = 0;
    if (EVP_DigestInit_ex(md, NULL, NULL) != 1) /* SHA-256 again */
        abort();
    digest_node(&d, node);
    EVP_DigestUpdate(md, d.room, d.n);
    EVP_DigestFinal_ex(md, digest, NULL);
    char *hex = arena_text(l->a, 64);
    hex_encode(digest, 32, hex);
    return (str){hex, 64};
}

/* ---- rule ------------------------------------------------------------------------------------ */

static void read_needs(struct load *l, const struct doc_node *node, const struct load_file *file,
                       struct rule *rule)
{
    const struct doc_node *part;
    if ((part = doc_get(node, "device")))
        rule->device = decode_device_ref(l, part);
    if ((part = doc_get(node, "auth")))
        rule->auth = decode_auth(l, part);
    if ((part = doc_get(node, "from")))
        rule->from = decode_from(l, part);
    rule->when = decode_when(l, doc_get(node, "when"), file);
    if ((part = doc_get(node, "approval")))
        rule->approval = read_approval(l, part);
    if ((part = doc_get(node, "purpose")))
        rule->purpose = read_purpose(l, part);
    if ((part = doc_get(node, "break_glass")))
        rule->break_glass = read_break_glass(l, part);
    if ((part = doc_get(node, "session")))
        rule->session = read_session(l, part);
}

static enum rule_effect read_effect(const struct doc_node *node)
{
    str effect = doc_text(node, "effect");
    if (str_eq(effect, STR("allow")))
        return RULE_ALLOW;
    return str_eq(effect, STR("require")) ? RULE_REQUIRE : RULE_DENY;
}

static void decode_rule(struct load *l, const struct def *d, EVP_MD_CTX *md, struct rule *rule)
{
    const struct doc_node *node = d->node;
    rule->effect = read_effect(node);
    check_effect_keys(l, node, rule->effect);
    if (rule->effect == RULE_REQUIRE)
        check_require(l, node);
    rule->title = doc_text(node, "title");
    rule->owner = doc_text(node, "owner");
    rule->ticket = doc_text(node, "ticket");
    rule->is_audit_only = str_eq(doc_text(node, "mode"), STR("audit"));
    rule->ignores_missing = doc_get(node, "on_missing") != NULL;
    read_lifetime(l, node, d->file->zone, rule);
    rule->who = decode_who(l, doc_get(node, "who"));
    rule->to = decode_to(l, doc_get(node, "to"), rule->effect);
    read_needs(l, node, d->file, rule);
    if (rule->approval || rule->break_glass)
        rule->text_digest = digest_text(l, md, node);
}

void decode_rules(struct load *l)
{
    size_t n = l->defs[DEF_RULE].n;
    if (n > POLICY_MAX_RULES) {
        const struct def *over = l->defs[DEF_RULE].entries[POLICY_MAX_RULES].value;
        doc_error(l->f, over->key, "too-many-rules",
                  "merge rules that differ in one value: the items of a list are OR",
                  "rule \"%.*s\" is one too many: a set holds at most %d rules",
                  STR_ARG(str_upto(over->name, 80)), POLICY_MAX_RULES);
        return;
    }
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
        abort();
    l->rules = arena_array(l->a, struct rule, n);
    l->p->rules = l->rules;
    l->p->n_rules = n;
    for (size_t i = 0; i < n; i++) {
        const struct def *d = l->defs[DEF_RULE].entries[i].value;
        struct rule *rule = &l->rules[i];
        rule->id = d->name;
        rule->node = d->node;
        if (d->has_form)
            decode_rule(l, d, md, rule);
    }
    EVP_MD_CTX_free(md);
}
