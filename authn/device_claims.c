/* device_claims: what tokens say of a device: posture documents and compliance claims. */
#include "authn/device_words.h"

static int64_t not_later(int64_t at_s, int64_t now_s)
{
    return at_s < now_s ? at_s : now_s;
}

static bool take(const struct claim *claim, str attribute, str source, int64_t seen_s,
                 struct device_fact *out)
{
    if (!device_word_take(device_word_find(attribute), claim->kind, claim->text, out))
        return false;
    out->attribute = attribute;
    out->source = source;
    out->seen_s = seen_s;
    return true;
}

/* Registered claims are no attributes, and have no dot: device_word_find does not know them. */
static size_t take_all(const struct identity *id, str source, int64_t seen_s,
                       struct device_fact facts[DEVICE_FACTS_MAX])
{
    static const str below = STR("posture.");
    size_t n = 0;
    for (size_t i = 0; i < id->n_claims && n < DEVICE_FACTS_MAX; i++) {
        const struct claim *c = &id->claims[i];
        str attribute = str_starts(c->name, below) ? str_from(c->name, below.n) : c->name;
        n += take(c, attribute, source, seen_s, &facts[n]);
    }
    return n;
}

bool posture_read(const struct identity *document, str source, int64_t max_age_s, int64_t now_s,
                  struct arena *a, struct device *out)
{
    const struct claim *id = identity_claim(document, STR("device_id"));
    if (!id || id->kind != CLAIM_STRING || !device_id_is_good(id->text) || !document->has_iat ||
        now_s - document->iat_s > max_age_s)
        return false;
    struct device_fact facts[DEVICE_FACTS_MAX] = {0};
    int64_t seen_s = not_later(document->iat_s, now_s);
    size_t n = take_all(document, arena_dup(a, source), seen_s, facts);
    struct device_fact *kept = arena_array(a, struct device_fact, n + 1);
    for (size_t i = 0; i < n; i++) {
        kept[i] = facts[i];
        kept[i].attribute = arena_dup(a, facts[i].attribute);
        kept[i].text = arena_dup(a, facts[i].text);
    }
    *out = (struct device){arena_dup(a, id->text), kept, n, seen_s};
    return true;
}

bool device_fact_from_claim(str attribute, enum claim_kind kind, str text, struct device_fact *out)
{
    *out = (struct device_fact){.attribute = attribute};
    return device_word_take(device_word_find(attribute), kind, text, out);
}

bool device_from_claims(const struct identity *id, const struct device_claim_map *map, size_t n,
                        str source, struct arena *a, struct device *out)
{
    struct device_fact *facts = arena_array(a, struct device_fact, n + 1);
    size_t found = 0;
    *out = (struct device){.facts = facts};
    /* What a token says was so when it was issued. */
    if (!id->has_iat)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct claim *c = identity_claim(id, map[i].claim);
        if (!c)
            continue;
        if (str_eq(map[i].attribute, STR("id"))) {
            if (c->kind == CLAIM_STRING && device_id_is_good(c->text))
                out->id = c->text;
        } else {
            found += take(c, map[i].attribute, source, id->iat_s, &facts[found]);
        }
    }
    out->n_facts = found;
    out->seen_s = id->iat_s;
    return found > 0 || out->id.n > 0;
}
