/* What a Tailscale daemon says of an address. See authn.h.
 *
 * Only a node that belongs to a person of this tailnet, is not expired and owns the address itself
 * is that person. A tagged node belongs to nobody, one shared into the tailnet to somebody whom its
 * administrators did not choose, and behind a subnet router is whoever can reach it: of these the
 * claims speak, and an entry of `services:` may make them a machine. */
#include "authn/authn.h"
#include "authn/jread.h"

#include <stdlib.h>
#include <time.h>

#include "base/addr.h"
#include "base/jout.h"

static bool is_true(const struct jnode *node)
{
    return node && node->kind == J_BOOL && str_eq(node->text, STR("true"));
}

/* Zero, absent and "" are no number. */
static bool is_set(const struct jnode *node)
{
    return node && node->kind != J_NULL && node->text.n && !str_eq(node->text, STR("0"));
}

/* Each address of the node is a /32 or /128; those that it routes for others are not among them. */
static bool owns(const struct jnode *node, const struct addr *asked)
{
    const struct jnode *list = jread_get(node, "Addresses");
    struct cidr net;
    for (const struct jnode *m = jread_is_texts(list) ? list->first : NULL; m; m = m->next)
        if (cidr_parse(m->text, &net) == CIDR_OK && addr_eq(&net.base, asked) &&
            net.bits == (net.base.family == 4 ? 32 : 128))
            return true;
    return false;
}

enum { NEVER = 0, UNREADABLE = 1 }; /* seconds; 1970 is over in any case */

/* "2026-11-25T17:00:00Z"; year 1 is never. */
static int64_t key_expiry_s(const struct jnode *node)
{
    str at = jread_text(node, "KeyExpiry");
    char text[32];
    struct tm tm = {0};
    if (!at.n || str_starts(at, STR("0001-01-01T")))
        return NEVER;
    if (at.n >= sizeof text)
        return UNREADABLE;
    memcpy(text, at.p, at.n);
    text[at.n] = '\0';
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : UNREADABLE;
}

static bool is_expired(const struct jnode *node, int64_t now_s)
{
    int64_t at_s = key_expiry_s(node);
    return is_true(jread_get(node, "Expired")) || (at_s != NEVER && at_s <= now_s);
}

static bool is_shared(const struct jnode *node)
{
    const struct jnode *info = jread_get(node, "Hostinfo");
    return is_set(jread_get(node, "Sharer")) || is_true(jread_get(info, "ShareeNode"));
}

static bool is_tagged(const struct jnode *node)
{
    const struct jnode *tags = jread_get(node, "Tags");
    return tags && tags->kind == J_LIST && tags->n > 0;
}

static enum whois_kind judge(const struct jnode *node, const struct jnode *person,
                             const struct addr *asked, int64_t now_s)
{
    if (!owns(node, asked))
        return WHOIS_ROUTED;
    if (is_expired(node, now_s))
        return WHOIS_EXPIRED;
    if (is_tagged(node))
        return WHOIS_TAGGED;
    if (is_shared(node))
        return WHOIS_SHARED;
    return jread_text(person, "LoginName").n && is_set(jread_get(person, "ID")) ? WHOIS_PERSON
                                                                                : WHOIS_NOBODY;
}

static void put_text(struct jout *j, str name, str text)
{
    if (text.n)
        jout_kstr(j, name, text);
}

static void put_tags(struct jout *j, const struct jnode *node)
{
    const struct jnode *tags = jread_get(node, "Tags");
    if (!jread_is_texts(tags) || !tags->n)
        return;
    jout_key(j, STR("tags"));
    jout_open(j, '[');
    for (const struct jnode *m = tags->first; m; m = m->next)
        jout_str(j, m->text);
    jout_close(j, ']');
}

static void put_claims(struct jout *j, const struct issuer *issuer, enum whois_kind kind,
                       const struct jnode *node, const struct jnode *person, int64_t expires_s)
{
    str stable = jread_text(node, "StableID");
    const struct jnode *id = jread_get(person, "ID");
    jout_open(j, '{');
    jout_kstr(j, STR("iss"), issuer->issuer);
    /* people by their number: a login name may go to somebody else one day */
    jout_kstr(j, STR("sub"), kind == WHOIS_PERSON ? id->text : stable);
    if (kind == WHOIS_PERSON) {
        put_text(j, STR("email"), jread_text(person, "LoginName"));
        put_text(j, STR("name"), jread_text(person, "DisplayName"));
    }
    put_text(j, STR("node"), jread_text(node, "Name"));
    put_text(j, STR("node_id"), stable);
    jout_kplain(j, STR("node_kind"), str_of(whois_kind_word(kind)));
    put_tags(j, node);
    jout_kint(j, STR("exp"), expires_s);
    jout_close(j, '}');
}

const char *whois_kind_word(enum whois_kind kind)
{
    static const char *const words[] = {
        [WHOIS_NOBODY] = "nobody", [WHOIS_PERSON] = "person",   [WHOIS_TAGGED] = "tagged",
        [WHOIS_SHARED] = "shared", [WHOIS_EXPIRED] = "expired", [WHOIS_ROUTED] = "routed",
    };
    return words[kind];
}

static struct identity *build(const struct issuer *issuer, enum whois_kind kind,
                              const struct jnode *node, const struct jnode *person,
                              int64_t expires_s)
{
    enum { ROOM = 6 * WHOIS_MAX_BYTES + 1024 };
    struct fail fail = {0};
    struct jout j;
    char *room = mem_alloc(ROOM);
    jout_init(&j, room, ROOM);
    put_claims(&j, issuer, kind, node, person, expires_s);
    struct identity *id = j.overflow ? NULL : identity_from_claims(issuer, jout_text(&j), &fail);
    free(room);
    if (!id)
        return NULL;
    id->exp_s = expires_s;
    id->is_unsigned = true;
    id->is_service_only = kind != WHOIS_PERSON;
    return id;
}

struct identity *whois_read(const struct issuer *issuer, str json, const struct addr *asked,
                            int64_t now_s, int64_t expires_s, enum whois_kind *kind_out)
{
    struct arena a;
    bool has_control = false;
    struct identity *id = NULL;
    *kind_out = WHOIS_NOBODY;
    if (json.n > WHOIS_MAX_BYTES)
        return NULL;
    arena_init(&a, NULL, 0);
    char *copy = mem_dup(json);
    const struct jnode *root = jread_object(&a, copy, json.n, &has_control);
    const struct jnode *node = jread_get(root, "Node"), *person = jread_get(root, "UserProfile");
    if (node && !has_control) {
        int64_t ends_s = key_expiry_s(node);
        *kind_out = judge(node, person, asked, now_s);
        if (ends_s != NEVER && ends_s < expires_s)
            expires_s = ends_s;
        if (*kind_out != WHOIS_NOBODY && *kind_out != WHOIS_EXPIRED &&
            (*kind_out == WHOIS_PERSON || jread_text(node, "StableID").n))
            id = build(issuer, *kind_out, node, person, expires_s);
    }
    free(copy);
    arena_finish(&a);
    return id;
}

/* ---- headers of `tailscale serve` ------------------------------------------------------------ */

/* An encoded word (RFC 2047) is what serve makes of a name beyond ASCII: of a login name there may
 * be several for one person, so it is none. */
static bool is_login(str login)
{
    for (size_t i = 0; i < login.n; i++)
        if (login.p[i] <= 0x20 || login.p[i] >= 0x7f)
            return false;
    return login.n > 0 && login.n <= TOKEN_MAX_SUBJECT && !str_starts(login, STR("=?"));
}

static bool is_address(str login)
{
    size_t at = str_find(login, '@');
    return at > 0 && at + 1 < login.n && str_rfind(login, '@') == at;
}

struct identity *whois_served(const struct issuer *issuer, str login, str name, str picture,
                              int64_t expires_s)
{
    enum { PART_MOST = 2048, ROOM = 6 * 3 * PART_MOST + 1024 };
    struct fail fail = {0};
    struct jout j;
    if (!is_login(login) || name.n > PART_MOST || picture.n > PART_MOST)
        return NULL;
    char *room = mem_alloc(ROOM);
    jout_init(&j, room, ROOM);
    jout_open(&j, '{');
    jout_kstr(&j, STR("iss"), issuer->issuer);
    jout_kstr(&j, STR("sub"), login);
    if (is_address(login)) {
        jout_kstr(&j, STR("email"), login);
        if (!issuer->trusted_email)
            jout_kbool(&j, STR("email_verified"), false);
    }
    put_text(&j, STR("name"), name);
    put_text(&j, STR("picture"), picture);
    jout_kint(&j, STR("exp"), expires_s);
    jout_close(&j, '}');
    struct identity *id = j.overflow ? NULL : identity_from_claims(issuer, jout_text(&j), &fail);
    free(room);
    if (id) {
        id->exp_s = expires_s;
        id->is_unsigned = true;
    }
    return id;
}
