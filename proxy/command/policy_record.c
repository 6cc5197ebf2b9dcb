#include "proxy/command/policy_record.h"

#include "base/encode.h"

enum { MOST_PEOPLE = 20000 };

/* ---- walking --------------------------------------------------------------------------------- */

/* Where the walk stands; everything is within [p, end). A text that is no JSON ends the walk. */
struct walk {
    const char *p, *end;
};

/* Not zero when one of eight bytes is c. */
static uint64_t has_byte(uint64_t word, unsigned char c)
{
    const uint64_t ones = 0x0101010101010101u;

    word ^= ones * c;
    return (word - ones) & ~word & ones << 7;
}

/* Behind the closing quote; NULL when there is none. p stands behind the opening one. */
static const char *skip_text(const char *p, const char *end)
{
    for (uint64_t word; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        if (has_byte(word, '"') | has_byte(word, '\\'))
            break;
    }
    for (; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p++;
    }
    return NULL;
}

static const char *skip_nested(const char *p, const char *end)
{
    size_t depth = 0;

    for (; p < end; p++) {
        if (*p == '"') {
            p = skip_text(p + 1, end);
            if (!p)
                return NULL;
            p--;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (--depth == 0)
                return p + 1;
        }
    }
    return NULL;
}

static const char *skip_value(const char *p, const char *end)
{
    if (p < end && *p == '"')
        return skip_text(p + 1, end);
    if (p < end && (*p == '{' || *p == '['))
        return skip_nested(p, end);
    while (p < end && *p != ',' && *p != '}' && *p != ']')
        p++;
    return p;
}

/* Our writer puts no space between tokens; whoever laid the record out anew may have. */
static void skip_space(struct walk *w)
{
    while (w->p < w->end && (*w->p == ' ' || *w->p == ',' || *w->p == '\t'))
        w->p++;
}

static struct walk walk_into(str value)
{
    struct walk w = {value.p, value.p + value.n};

    if (value.n && (*w.p == '{' || *w.p == '['))
        w.p++;
    else
        w.p = w.end;
    return w;
}

static bool next_item(struct walk *w, str *value)
{
    skip_space(w);
    if (w->p >= w->end || *w->p == ']' || *w->p == '}')
        return false;
    const char *end = skip_value(w->p, w->end);
    if (!end || end == w->p)
        return false;
    *value = (str){w->p, (size_t)(end - w->p)};
    w->p = end;
    return true;
}

static bool next_member(struct walk *w, str *name, str *value)
{
    skip_space(w);
    if (w->p >= w->end || *w->p != '"')
        return false;
    const char *start = w->p + 1, *end = skip_text(start, w->end);
    if (!end || end >= w->end)
        return false;
    *name = (str){start, (size_t)(end - 1 - start)};
    w->p = end;
    skip_space(w);
    if (w->p >= w->end || *w->p != ':')
        return false;
    w->p++;
    return next_item(w, value);
}

static bool is_text(str value)
{
    return value.n >= 2 && value.p[0] == '"';
}

/* Between the quotes; absent when it is no text. */
static str inner(str value)
{
    return is_text(value) ? (str){value.p + 1, value.n - 2} : (str){NULL, 0};
}

static bool is_true(str value)
{
    return str_eq(value, STR("true"));
}

static int64_t number(str value)
{
    bool is_negative = value.n && value.p[0] == '-';
    uint64_t n = 0;

    str_to_u64(str_from(value, is_negative), INT64_MAX, &n);
    return is_negative ? -(int64_t)n : (int64_t)n;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static size_t put_code_point(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
}

static uint32_t hex4(const char *p)
{
    uint32_t c = 0;

    for (int i = 0; i < 4; i++)
        c = c << 4 | (uint32_t)(hex_digit(p[i]) & 15);
    return c;
}

str record_text(struct arena *a, str s)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    if (!s.n || !memchr(s.p, '\\', s.n))
        return s;
    char *out = arena_text(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            out[n++] = s.p[i];
            continue;
        }
        char c = s.p[++i];
        const char *found = strchr(from, c);
        if (c == 'u' && i + 4 < s.n) {
            n += put_code_point(out + n, hex4(s.p + i + 1));
            i += 4;
        } else {
            out[n++] = found && c ? to[found - from] : c;
        }
    }
    return (str){out, n};
}

size_t record_texts(struct arena *a, str list, str *out, size_t most)
{
    struct walk w = walk_into(list);
    size_t n = 0;

    for (str item; n < most && next_item(&w, &item);)
        if (is_text(item))
            out[n++] = record_text(a, inner(item));
    return n;
}

/* ---- a record -------------------------------------------------------------------------------- */

static void read_client(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; next_member(&w, &name, &member);)
        if (str_eq(name, STR("address")))
            addr_parse(inner(member), &r->client);
}

static void read_decision(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; next_member(&w, &name, &member);) {
        if (str_eq(name, STR("effect")))
            r->effect = inner(member);
        else if (str_eq(name, STR("reason")))
            r->reason = inner(member);
        else if (str_eq(name, STR("rules")))
            r->rules = member;
    }
}

static void read_facts(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; next_member(&w, &name, &member);) {
        if (str_eq(name, STR("now")))
            r->now_s = number(member);
        else if (str_eq(name, STR("clock_good")))
            r->clock_is_good = is_true(member);
    }
}

/* A visit is recorded once: as a decision, or by its end or start where it has two records. */
static bool is_decision_kind(str kind)
{
    return str_eq(kind, STR("decision")) || str_eq(kind, STR("request.close")) ||
           str_eq(kind, STR("visit.start"));
}

static void read_member(str name, str value, struct record *r)
{
    static const struct {
        str name;
        size_t at;
    } texts[] = {
        {{"id", 2}, offsetof(struct record, id)},
        {{"app", 3}, offsetof(struct record, app)},
        {{"protocol", 8}, offsetof(struct record, protocol)},
        {{"method", 6}, offsetof(struct record, method)},
        {{"host", 4}, offsetof(struct record, host)},
        {{"path", 4}, offsetof(struct record, path)},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (str_eq(name, texts[i].name)) {
            *(str *)(void *)((char *)r + texts[i].at) = inner(value);
            return;
        }
    if (str_eq(name, STR("client")))
        read_client(value, r);
    else if (str_eq(name, STR("identity")))
        r->identity = value;
    else if (str_eq(name, STR("auth")))
        r->auth = value;
    else if (str_eq(name, STR("decision")))
        read_decision(value, r);
    else if (str_eq(name, STR("facts")))
        read_facts(value, r);
}

bool record_read(str line, struct record *r)
{
    struct walk w = walk_into(line);
    bool has_kind = false;

    *r = (struct record){0};
    for (str name, value; next_member(&w, &name, &value);) {
        if (str_eq(name, STR("kind"))) {
            has_kind = is_decision_kind(inner(value));
            if (!has_kind)
                return false;
        }
        read_member(name, value, r);
        /* What follows the facts is how it went, which decided nothing. */
        if (has_kind && r->now_s && r->effect.n)
            break;
    }
    if (r->identity.n && r->identity.p[0] == '{') {
        const char *end = r->auth.p ? r->auth.p + r->auth.n : r->identity.p + r->identity.n;
        bool is_beside = r->auth.p > r->identity.p && end - r->identity.p < 1 << 20;
        r->who = is_beside ? (str){r->identity.p, (size_t)(end - r->identity.p)} : r->identity;
    }
    return has_kind && r->effect.n && r->now_s;
}

/* ---- people ---------------------------------------------------------------------------------- */

static struct policy_value read_value(struct arena *a, str value)
{
    struct policy_value v = {.kind = POLICY_VALUE_OTHER};
    struct walk w = walk_into(value), again = w;
    size_t n = 0;
    str item;

    if (is_text(value))
        return (struct policy_value){.kind = POLICY_VALUE_TEXT,
                                     .text = record_text(a, inner(value))};
    if (is_true(value) || str_eq(value, STR("false")))
        return (struct policy_value){.kind = POLICY_VALUE_BOOL, .text = value};
    if (value.n && (value.p[0] == '-' || (value.p[0] >= '0' && value.p[0] <= '9')))
        return (struct policy_value){.kind = POLICY_VALUE_NUMBER, .text = value};
    if (!value.n || value.p[0] != '[')
        return v;
    while (next_item(&w, &item))
        n++;
    struct policy_value *items = arena_array(a, struct policy_value, n + 1);
    for (n = 0; next_item(&again, &item); n++)
        items[n] = item.n && item.p[0] != '[' ? read_value(a, item) : v;
    return (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n};
}

static const str *read_list(struct arena *a, str value, size_t *n)
{
    struct walk w = walk_into(value);
    size_t most = 1;

    for (str item; next_item(&w, &item);)
        most++;
    str *items = arena_array(a, str, most);
    *n = record_texts(a, value, items, most);
    return items;
}

enum { OWN_CLAIMS = 6 };

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

    while (next_member(&w, &name, &member))
        n++;
    struct policy_claim *claims = arena_array(a, struct policy_claim, n + OWN_CLAIMS);
    n = put_own_claims(a, id, claims);
    while (next_member(&again, &name, &member))
        claims[n++] = (struct policy_claim){record_text(a, name), read_value(a, member)};
    id->claims = claims;
    id->n_claims = n;
}

static void read_auth(struct arena *a, str value, struct policy_identity *id)
{
    struct walk w = walk_into(value);

    for (str name, member; next_member(&w, &name, &member);) {
        if (str_eq(name, STR("time")))
            id->auth_time_s = number(member);
        else if (str_eq(name, STR("amr"))) {
            id->amr_known = true;
            id->amr = read_list(a, member, &id->n_amr);
        } else if (str_eq(name, STR("acr")))
            id->acr = record_text(a, inner(member));
        else if (str_eq(name, STR("mfa")))
            id->mfa = is_true(member) ? POLICY_TRUE : POLICY_FALSE;
        else if (str_eq(name, STR("expires")))
            id->expires_s = number(member);
    }
}

static void read_identity(struct arena *a, str value, struct policy_identity *id, str *claims)
{
    struct walk w = walk_into(value);

    for (str name, member; next_member(&w, &name, &member);) {
        str text = record_text(a, inner(member));
        if (str_eq(name, STR("issuer")))
            id->issuer = text;
        else if (str_eq(name, STR("issuer_name")))
            id->issuer_name = text;
        else if (str_eq(name, STR("subject")))
            id->subject = text;
        else if (str_eq(name, STR("kind")))
            id->is_machine = str_eq(text, STR("machine"));
        else if (str_eq(name, STR("service")))
            id->service = text;
        else if (str_eq(name, STR("email")))
            id->email = text;
        else if (str_eq(name, STR("email_verified")))
            id->email_verified = is_true(member) ? POLICY_TRUE : POLICY_FALSE;
        else if (str_eq(name, STR("email_trusted")))
            id->issuer_is_trusted = is_true(member);
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
    str auth = {r->auth.p ? key->p + (r->auth.p - r->identity.p) : NULL, r->auth.n};
    id->mfa = id->email_verified = POLICY_UNKNOWN;
    read_identity(a, identity, id, &claims);
    if (r->who.n > r->identity.n)
        read_auth(a, auth, id);
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
