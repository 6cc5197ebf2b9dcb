/* The people of a log. See policy_record.h. */
#include "proxy/command/policy_record.h"
#include "proxy/command/policy_walk.h"

enum { MOST_PEOPLE = 20000, OWN_CLAIMS = 6 };

static struct policy_value read_value(struct arena *a, str value)
{
    struct policy_value v = {.kind = POLICY_VALUE_OTHER};
    struct walk w = walk_into(value), again = w;
    size_t n = 0;
    str item;

    if (walk_is_text(value))
        return (struct policy_value){.kind = POLICY_VALUE_TEXT,
                                     .text = record_text(a, walk_text(value))};
    if (walk_is_true(value) || str_eq(value, STR("false")))
        return (struct policy_value){.kind = POLICY_VALUE_BOOL, .text = value};
    if (value.n && (value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9')))
        return (struct policy_value){.kind = POLICY_VALUE_NUMBER, .text = value};
    if (!value.n || value.p[0] != '[')
        return v;
    while (walk_item(&w, &item))
        n++;
    struct policy_value *items = arena_array(a, struct policy_value, n + 1);
    for (n = 0; walk_item(&again, &item); n++)
        items[n] = item.n && item.p[0] != '[' ? read_value(a, item) : v;
    return (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n};
}

static const str *read_list(struct arena *a, str value, size_t *n)
{
    struct walk w = walk_into(value);
    size_t most = 1;

    for (str item; walk_item(&w, &item);)
        most++;
    str *items = arena_array(a, str, most);
    *n = record_texts(a, value, items, most);
    return items;
}

/* Claims that the record holds in places of their own. */
static size_t put_own_claims(struct arena *a, const struct policy_identity *id,
                             struct policy_claim *out)
{
    const struct {
        str name, text;
    } texts[] = {{STR("iss"), id->issuer},
                 {STR("sub"), id->subject},
                 {STR("email"), id->email},
                 {STR("acr"), id->acr}};
    const struct {
        str name;
        bool is_known;
        const str *items;
        size_t n;
    } lists[] = {{STR("groups"), id->groups_known, id->groups, id->n_groups},
                 {STR("amr"), id->amr_known, id->amr, id->n_amr}};
    size_t n = 0;

    for (size_t i = 0; i < 4; i++)
        if (texts[i].text.p)
            out[n++] = (struct policy_claim){texts[i].name,
                                             {.kind = POLICY_VALUE_TEXT, .text = texts[i].text}};
    for (size_t i = 0; i < 2; i++) {
        if (!lists[i].is_known)
            continue;
        struct policy_value *items = arena_array(a, struct policy_value, lists[i].n + 1);
        for (size_t k = 0; k < lists[i].n; k++)
            items[k] = (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = lists[i].items[k]};
        out[n++] = (struct policy_claim){
            lists[i].name, {.kind = POLICY_VALUE_LIST, .items = items, .n = lists[i].n}};
    }
    return n;
}

static void read_claims(struct arena *a, str value, struct policy_identity *id)
{
    struct walk w = walk_into(value), again = w;
    size_t n = 0;
    str name, member;

    while (walk_member(&w, &name, &member))
        n++;
    struct policy_claim *claims = arena_array(a, struct policy_claim, n + OWN_CLAIMS);
    n = put_own_claims(a, id, claims);
    while (walk_member(&again, &name, &member))
        claims[n++] = (struct policy_claim){record_text(a, name), read_value(a, member)};
    id->claims = claims;
    id->n_claims = n;
}

static void read_auth(struct arena *a, str value, struct policy_identity *id)
{
    struct walk w = walk_into(value);

    for (str name, member; walk_member(&w, &name, &member);) {
        if (str_eq(name, STR("time")))
            id->auth_time_s = walk_number(member);
        else if (str_eq(name, STR("amr"))) {
            id->amr_known = true;
            id->amr = read_list(a, member, &id->n_amr);
        } else if (str_eq(name, STR("acr")))
            id->acr = record_text(a, walk_text(member));
        else if (str_eq(name, STR("mfa")))
            id->mfa = walk_is_true(member) ? POLICY_TRUE : POLICY_FALSE;
        else if (str_eq(name, STR("expires")))
            id->expires_s = walk_number(member);
    }
}

static void read_identity(struct arena *a, str value, struct policy_identity *id, str *claims)
{
    static const struct walk_field texts[] = {
        WALK_FIELD(struct policy_identity, issuer, "issuer"),
        WALK_FIELD(struct policy_identity, issuer_name, "issuer_name"),
        WALK_FIELD(struct policy_identity, subject, "subject"),
        WALK_FIELD(struct policy_identity, service, "service"),
        WALK_FIELD(struct policy_identity, email, "email"),
    };
    struct walk w = walk_into(value);

    for (str name, member; walk_member(&w, &name, &member);) {
        str *text = walk_field(texts, sizeof texts / sizeof *texts, name, id);
        if (text)
            *text = record_text(a, walk_text(member));
        else if (str_eq(name, STR("kind")))
            id->is_machine = str_eq(walk_text(member), STR("machine"));
        else if (str_eq(name, STR("email_verified")))
            id->email_verified = walk_is_true(member) ? POLICY_TRUE : POLICY_FALSE;
        else if (str_eq(name, STR("email_trusted")))
            id->issuer_is_trusted = walk_is_true(member);
        else if (str_eq(name, STR("groups"))) {
            id->groups_known = true;
            id->groups = read_list(a, member, &id->n_groups);
        } else if (str_eq(name, STR("claims")))
            *claims = member;
    }
}

static bool trusts_mail(const struct config *c, str issuer)
{
    for (size_t i = 0; c && i < c->n_issuers; i++)
        if (str_eq(c->issuers[i].issuer->issuer, issuer))
            return c->issuers[i].issuer->trusted_email;
    return false;
}

/* The line goes away, the person stays: everything is read from a copy. */
static struct record_person *read_person(struct record_people *people, const struct record *r,
                                         str *key)
{
    struct arena *a = &people->arena;
    struct record_person *person = arena_new(a, struct record_person);
    struct policy_identity *id = &person->identity;
    str claims = {NULL, 0};

    *key = arena_dup(a, r->who);
    str identity = {key->p, r->identity.n};
    id->mfa = id->email_verified = POLICY_UNKNOWN;
    read_identity(a, identity, id, &claims);
    if (r->who.n > r->identity.n) /* auth stands beside it */
        read_auth(a, (str){key->p + (r->auth.p - r->identity.p), r->auth.n}, id);
    id->groups_known |= id->is_machine;
    id->issuer_is_trusted |= trusts_mail(people->config, id->issuer);
    read_claims(a, claims, id);
    return person;
}

static void forget_all(struct record_people *people)
{
    for (size_t i = 0; i < people->by_text.n; i++) {
        struct record_person *person = people->by_text.entries[i].value;
        policy_subject_destroy(&person->subject);
    }
    map_finish(&people->by_text);
    arena_reset(&people->arena);
    map_init(&people->by_text);
}

void record_people_init(struct record_people *people, const struct policy *p,
                        const struct config *config)
{
    *people = (struct record_people){.policy = p, .config = config};
    arena_init(&people->arena, NULL, 0);
    map_init(&people->by_text);
}

void record_people_finish(struct record_people *people)
{
    forget_all(people);
    map_finish(&people->by_text);
    arena_finish(&people->arena);
}

struct record_person *record_person(struct record_people *people, const struct record *r)
{
    if (!r->who.p)
        return NULL;
    struct record_person *person = map_get(&people->by_text, r->who);
    if (!person) {
        str key;
        if (people->by_text.n >= MOST_PEOPLE)
            forget_all(people);
        person = read_person(people, r, &key);
        map_add(&people->by_text, key, person);
    }
    /* To intern somebody costs more than a decision: it is done for those who come again. */
    if (++person->visits == 4)
        person->subject =
            policy_subject_create(people->policy, &person->identity, NULL, 0, r->now_s * 1000000);
    return person;
}
