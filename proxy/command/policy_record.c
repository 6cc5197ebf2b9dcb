#include "proxy/command/policy_record.h"

#include "base/encode.h"
#include "proxy/command/policy_walk.h"

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

    for (str item; n < most && walk_item(&w, &item);)
        if (walk_is_text(item))
            out[n++] = record_text(a, walk_text(item));
    return n;
}

/* ---- a record -------------------------------------------------------------------------------- */

static void read_client(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; walk_member(&w, &name, &member);)
        if (str_eq(name, STR("address")))
            addr_parse(walk_text(member), &r->client);
}

static void read_decision(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; walk_member(&w, &name, &member);) {
        if (str_eq(name, STR("effect")))
            r->effect = walk_text(member);
        else if (str_eq(name, STR("reason")))
            r->reason = walk_text(member);
        else if (str_eq(name, STR("rules")))
            r->rules = member;
    }
}

static void read_policy(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; !r->digest.p && walk_member(&w, &name, &member);)
        if (str_eq(name, STR("digest")))
            r->digest = walk_text(member);
}

static void read_facts(str value, struct record *r)
{
    struct walk w = walk_into(value);

    for (str name, member; walk_member(&w, &name, &member);) {
        if (str_eq(name, STR("now")))
            r->now_s = walk_number(member);
        else if (str_eq(name, STR("clock_good")))
            r->clock_is_good = walk_is_true(member);
        else if (str_eq(name, STR("grants")))
            r->grants = member;
        else if (str_eq(name, STR("grants_unknown")))
            r->grants_unknown = walk_is_true(member);
        else if (str_eq(name, STR("purpose")))
            r->purpose = walk_text(member);
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
    static const struct walk_field texts[] = {
        WALK_FIELD(struct record, id, "id"),
        WALK_FIELD(struct record, app, "app"),
        WALK_FIELD(struct record, protocol, "protocol"),
        WALK_FIELD(struct record, method, "method"),
        WALK_FIELD(struct record, host, "host"),
        WALK_FIELD(struct record, path, "path"),
    };
    str *text = walk_field(texts, sizeof texts / sizeof *texts, name, r);

    if (text)
        *text = walk_text(value);
    else if (str_eq(name, STR("client")))
        read_client(value, r);
    else if (str_eq(name, STR("identity")))
        r->identity = value;
    else if (str_eq(name, STR("auth")))
        r->auth = value;
    else if (str_eq(name, STR("device")))
        r->device = value;
    else if (str_eq(name, STR("decision")))
        read_decision(value, r);
    else if (str_eq(name, STR("policy")))
        read_policy(value, r);
    else if (str_eq(name, STR("facts")))
        read_facts(value, r);
}

/* The members identity and auth, side by side as our writer puts them. */
static str who_of(const struct record *r)
{
    if (!r->identity.n || r->identity.p[0] != '{')
        return (str){NULL, 0};
    const char *end = r->auth.p ? r->auth.p + r->auth.n : r->identity.p + r->identity.n;
    bool is_beside = r->auth.p > r->identity.p && end - r->identity.p < 1 << 20;
    return is_beside ? (str){r->identity.p, (size_t)(end - r->identity.p)} : r->identity;
}

enum record_kind record_read(str line, struct record *r)
{
    struct walk w = walk_into(line);
    bool has_kind = false, is_shortened = false;

    *r = (struct record){0};
    for (str name, value; walk_member(&w, &name, &value);) {
        if (!has_kind && str_eq(name, STR("kind"))) {
            has_kind = true;
            if (!is_decision_kind(walk_text(value)))
                return walk_is_text(value) ? RECORD_OTHER : RECORD_BROKEN;
        } else if (str_eq(name, STR("shortened"))) {
            is_shortened = true;
        } else {
            read_member(name, value, r);
        }
        /* What follows the facts is how it went, which decided nothing. */
        if (has_kind && r->now_s && r->effect.n)
            break;
    }
    r->who = who_of(r);
    if (has_kind && is_shortened)
        return RECORD_SHORTENED;
    return has_kind && r->effect.n && r->now_s ? RECORD_DECISION : RECORD_BROKEN;
}
