/* The users file of the built-in issuer: checked by the tables below, then read into plain structs.
 *
 * What would make a token that we refuse ourselves (a control character, a claim that stands for
 * something else, a list too long) is an error of the file, with its place: nobody should learn it
 * from a log-in that fails. */
#include "authn/builtin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "authn/builtin_impl.h"
#include "authn/password.h"
#include "base/encode.h"
#include "base/map.h"
#include "base/schema.h"

enum {
    MAX_EMAIL = 254, /* RFC 5321, section 4.5.3.1.3 */
    MAX_LOCAL = 64,
    MAX_TEXT = 255,
    MAX_GROUPS = 200,
    MAX_LIST = 200,
    MAX_CLAIMS_BYTES = 8 * 1024, /* half of the longest token */
    SUBJECT_BYTES = 16,
};

struct builtin_users {
    atomic_uint refs;
    struct arena arena;
    struct doc_file file;
    struct builtin_user *users;
    size_t n;
    struct map by_email, by_subject;
};

/* ---- what a scalar must be ---- */

static bool is_line(str s, size_t max)
{
    if (!s.n || s.n > max)
        return false;
    for (size_t i = 0; i < s.n;) {
        int32_t c = utf8_next(s, &i);
        if (c < ' ' || (c >= 0x7F && c < 0xA0))
            return false;
    }
    return true;
}

static bool check_line(const struct doc_node *node, const char **why)
{
    *why = "must be one line of at most 255 bytes";
    return is_line(node->text, MAX_TEXT);
}

static bool is_domain(str s)
{
    if (!s.n || s.p[0] == '.' || s.p[s.n - 1] == '.' || str_contains(s, STR("..")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return true;
}

bool builtin_email_is_sound(str s)
{
    size_t at = str_find(s, '@');

    if (s.n > MAX_EMAIL || at == 0 || at > MAX_LOCAL || at == s.n)
        return false;
    for (size_t i = 0; i < at; i++) /* unquoted, ASCII: it becomes an SMTP recipient */
        if (s.p[i] <= ' ' || s.p[i] >= 0x7F || strchr("\"(),:;<>[\\]", s.p[i]))
            return false;
    return is_domain(str_from(s, at + 1));
}

static bool check_email(const struct doc_node *node, const char **why)
{
    *why = "must be a mail address";
    return builtin_email_is_sound(node->text);
}

/* Claims that the token has already, or that would change what it means. */
static bool check_claim_name(const struct doc_node *node, const char **why)
{
    static const char *const reserved[] = {"iss",           "sub",
                                           "aud",           "exp",
                                           "nbf",           "iat",
                                           "jti",           "nonce",
                                           "azp",           "auth_time",
                                           "acr",           "amr",
                                           "at_hash",       "c_hash",
                                           "sid",           "events",
                                           "email",         "cnf",
                                           "groups",        "name",
                                           "typ",           "email_verified",
                                           "hasgroups",     "_claim_names",
                                           "_claim_sources"};

    *why = "must not be a claim that postern writes itself";
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_eq(node->text, str_of(reserved[i])))
            return false;
    *why = "must be one line of at most 255 bytes";
    return is_line(node->text, MAX_TEXT);
}

static bool check_claim(const struct doc_node *node, const char **why)
{
    *why = "must be text of one line, a whole number, or true or false";
    if (node->is_plain && (str_eq(node->text, STR("null")) || str_eq(node->text, STR("~"))))
        return false;
    return node->text.n == 0 ? !node->is_plain : is_line(node->text, MAX_TEXT);
}

/* ---- tables ---- */

static const char *const versions[] = {"1", NULL};
static const struct schema_type version = {
    .kind = SCHEMA_SCALAR, .name = "a version", .choices = versions};
static const struct schema_type email = {
    .kind = SCHEMA_SCALAR, .name = "a mail address", .check = check_email};
static const struct schema_type hash = {
    .kind = SCHEMA_SCALAR, .name = "a scrypt hash", .pattern = "^\\$scrypt\\$"};
static const struct schema_type line = {
    .kind = SCHEMA_SCALAR, .name = "a line of text", .check = check_line};
static const struct schema_type groups = {
    .kind = SCHEMA_LIST, .name = "a list of groups", .item = &line, .may_be_empty = true};
static const struct schema_type claim_name = {
    .kind = SCHEMA_SCALAR, .name = "a claim's name", .check = check_claim_name};
static const struct schema_type claim_value = {
    .kind = SCHEMA_SCALAR, .name = "a value", .check = check_claim, .may_be_empty = true};
static const struct schema_type claim_list = {
    .kind = SCHEMA_LIST, .name = "a list of values", .item = &claim_value, .may_be_empty = true};
static const struct schema_type *const claim_kinds[] = {&claim_value, &claim_list, NULL};
static const struct schema_type claim = {
    .kind = SCHEMA_EITHER, .name = "a value or a list of values", .alternatives = claim_kinds};
static const struct schema_type claims = {.kind = SCHEMA_DICT,
                                          .name = "claims",
                                          .key = &claim_name,
                                          .item = &claim,
                                          .may_be_empty = true};
static const struct schema_field user_fields[] = {
    {"password", &hash, .doc = "as `postern user passwd` writes it"},
    {"pin", &schema_bool, .fallback = "false", .doc = "signs in by a PIN sent by mail"},
    {"name", &line, .doc = "as people read it"},
    {"groups", &groups, .doc = "what the rules call `groups`"},
    {"claims", &claims, .doc = "further claims of the token"},
    {"subject", &line, .doc = "stable id; made from the address when absent"},
    {"disabled", &schema_bool, .fallback = "false", .doc = "cannot sign in; sessions end"},
    {0}};
static const struct schema_type user = {
    .kind = SCHEMA_MAP, .name = "a user", .fields = user_fields, .may_be_empty = true};
static const struct schema_type users = {
    .kind = SCHEMA_DICT, .name = "users", .key = &email, .item = &user, .may_be_empty = true};
static const struct schema_field file_fields[] = {
    {"version", &version, .required = true, .doc = "of this format: 1"},
    {"users", &users, .required = true, .doc = "by mail address"},
    {0}};
const struct schema_type builtin_users_type = {
    .kind = SCHEMA_MAP, .name = "a users file", .fields = file_fields};

/* ---- reading ---- */

/* Stable, and says nothing of the address to who reads a log. */
static str derive_subject(struct arena *a, str mail)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    str input = arena_printf(a, "postern builtin subject 1\n%.*s", STR_ARG(mail));
    char *text = arena_text(a, base64url_len(SUBJECT_BYTES));

    if (EVP_Digest(input.p, input.n, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    base64url_encode((str){(char *)digest, SUBJECT_BYTES}, text);
    return (str){text, base64url_len(SUBJECT_BYTES)};
}

static void read_groups(struct arena *a, const struct doc_node *node, struct builtin_user *u,
                        struct findings *f)
{
    u->n_groups = node ? node->n : 0;
    if (u->n_groups > MAX_GROUPS) {
        doc_error(f, node, "too-many", NULL, "%zu groups are more than the %d that a token carries",
                  u->n_groups, MAX_GROUPS);
        u->n_groups = MAX_GROUPS;
    }
    str *names = arena_array(a, str, u->n_groups + 1);
    for (size_t i = 0; i < u->n_groups; i++)
        names[i] = node->items[i]->text;
    u->groups = names;
}

static void check_claims_size(const struct builtin_user *u, struct findings *f)
{
    char room[MAX_CLAIMS_BYTES];
    struct jout j;

    jout_init(&j, room, sizeof room);
    builtin_write_claims(&j, u);
    if (j.overflow)
        doc_error(
            f, u->claims ? u->claims : u->at, "too-large", NULL,
            "groups and claims of %.*s are longer than the %d bytes that a token has room for",
            STR_ARG(u->email), MAX_CLAIMS_BYTES);
}

/* By hand and not by the table, which quotes what is wrong: somebody may have written his password
 * there. */
static void check_password(const struct doc_node *node, struct findings *f)
{
    const char *why;

    if (node && !password_hash_is_sound(node->text, &why))
        doc_error(f, node, "bad-hash", "`postern user passwd` writes it", "the password %s", why);
}

/* No hash, and nothing that stands in its place, in a log. Without quotes a flow mapping takes the
 * commas of a hash for its own. */
static void hide_passwords(struct findings *f, size_t from)
{
    for (size_t i = from; i < f->n; i++) {
        if (str_contains(f->items[i].source, STR("password")))
            f->items[i].source = (str){NULL, 0};
        if (str_starts(f->items[i].message, STR("unknown key")) &&
            str_contains(f->items[i].message, STR("$")))
            f->items[i].message = STR("within braces a password must stand in quotes");
    }
}

/* False when the address stands there in other letters. */
static bool add_email(struct builtin_users *all, struct builtin_user *u, struct findings *f)
{
    const struct builtin_user *other = map_get(&all->by_email, u->email);

    if (!other)
        return map_add(&all->by_email, u->email, u);
    if (!str_eq(other->at->text, u->at->text)) /* else a double key, which is told already */
        doc_error(f, u->at, "duplicate-user", "upper and lower case are the same in an address",
                  "the user %.*s is there already, in line %u", STR_ARG(u->email), other->at->line);
    return false;
}

static void add_subject(struct builtin_users *all, struct builtin_user *u,
                        const struct doc_node *at, struct findings *f)
{
    if (!map_add(&all->by_subject, u->subject, u))
        doc_error(f, at ? at : u->at, "duplicate-subject", "each user needs a subject of his own",
                  "the subject of %.*s is another user's", STR_ARG(u->email));
}

static void read_user(struct builtin_users *all, const struct doc_node *key,
                      const struct doc_node *node, struct findings *f)
{
    struct builtin_user *u = &all->users[all->n++];

    *u = (struct builtin_user){
        .email = arena_lower(&all->arena, key->text),
        .subject = doc_text(node, "subject"),
        .name = doc_text(node, "name"),
        .password = doc_text(node, "password"),
        .takes_pin = read_bool(doc_get(node, "pin"), false),
        .is_disabled = read_bool(doc_get(node, "disabled"), false),
        .claims = doc_get(node, "claims"),
        .at = key,
    };
    if (!u->subject.p)
        u->subject = derive_subject(&all->arena, u->email);
    read_groups(&all->arena, doc_get(node, "groups"), u, f);
    check_claims_size(u, f);
    check_password(doc_get(node, "password"), f);
    if (add_email(all, u, f))
        add_subject(all, u, doc_get(node, "subject"), f);
    if (!u->password.p && !u->takes_pin && !u->is_disabled)
        doc_warn(f, key, "no-credential",
                 "give a password with `postern user passwd`, or pin: true",
                 "%.*s has neither a password nor a PIN and cannot sign in", STR_ARG(u->email));
}

static void read_all(struct builtin_users *u, const struct doc_node *list, struct findings *f)
{
    u->users = arena_array(&u->arena, struct builtin_user, list->n + 1);
    for (size_t i = 0; i < list->n; i++)
        read_user(u, list->keys[i], list->items[i], f);
}

struct builtin_users *builtin_users_parse(const struct doc_file *file, struct findings *f)
{
    struct builtin_users *u = mem_alloc(sizeof *u);
    size_t before = f->errors, told = f->n;

    atomic_init(&u->refs, 1);
    arena_init(&u->arena, NULL, 0);
    map_init(&u->by_email);
    map_init(&u->by_subject);
    u->file =
        (struct doc_file){arena_dup(&u->arena, file->name), arena_dup(&u->arena, file->bytes)};
    const struct doc_node *root = doc_parse(&u->arena, &u->file, f);
    if (root && schema_check(&builtin_users_type, root, f))
        read_all(u, doc_get(root, "users"), f);
    hide_passwords(f, told);
    if (!root || f->errors > before)
        builtin_users_unref(&u);
    return u;
}

struct builtin_users *builtin_users_ref(const struct builtin_users *users_)
{
    struct builtin_users *u = (struct builtin_users *)users_; /* only the count changes */

    if (u)
        atomic_fetch_add_explicit(&u->refs, 1, memory_order_relaxed);
    return u;
}

void builtin_users_unref(struct builtin_users **u)
{
    struct builtin_users *it = *u;

    *u = NULL;
    if (!it || atomic_fetch_sub_explicit(&it->refs, 1, memory_order_acq_rel) != 1)
        return;
    map_finish(&it->by_email);
    map_finish(&it->by_subject);
    arena_finish(&it->arena);
    free(it);
}

size_t builtin_users_count(const struct builtin_users *u)
{
    return u ? u->n : 0;
}

const struct builtin_user *builtin_users_at(const struct builtin_users *u, size_t i)
{
    return &u->users[i];
}

const struct builtin_user *builtin_users_find(const struct builtin_users *u, str mail)
{
    char lower[MAX_EMAIL];

    if (!u || mail.n > sizeof lower)
        return NULL;
    for (size_t i = 0; i < mail.n; i++)
        lower[i] = str_lower_char(mail.p[i]);
    return map_get(&u->by_email, (str){lower, mail.n});
}

const struct builtin_user *builtin_users_by_subject(const struct builtin_users *u, str subject)
{
    return u ? map_get(&u->by_subject, subject) : NULL;
}
