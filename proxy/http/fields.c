/* See fields.h. */
#include "proxy/http/fields.h"
#include "proxy/http/fields_table.h"

struct field_row {
    str name;
    uint16_t id;
    uint8_t request, response;
};

#define ROW(name, id, request, response) {STR(name), id, request, response},
static const struct field_row rows[] = {
    FIELD_ROWS_KEPT FIELD_ROWS_HOP FIELD_ROWS_FORWARDED FIELD_ROWS_OVERRIDE FIELD_ROWS_IDENTITY};
#undef ROW
#define FAMILY(prefix, drop) {STR(prefix), 0, drop, DROP_NOT},
static const struct field_row families[] = {FIELD_FAMILIES};
#undef FAMILY

enum { ROWS = sizeof rows / sizeof *rows, FAMILIES = sizeof families / sizeof *families };
enum { SLOTS = 1024, NAME_FOLDED_MAX = 64 };

static uint8_t slots[SLOTS]; /* row + 1, open addressing; written before main, read by all */
static uint8_t fold[256];    /* 0: no token character */
_Static_assert(ROWS < 255, "a slot is one byte");

static uint32_t hash_step(uint32_t h, unsigned char folded)
{
    return (h ^ folded) * 0x01000193u;
}

static uint32_t hash_end(uint32_t h)
{
    return h ^ (h >> 15);
}

uint32_t fields_folded_hash(str name)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < name.n; i++)
        h = hash_step(h, fold[(unsigned char)name.p[i]]);
    return hash_end(h);
}

/* Runs before main, so that the tables are constant for every thread and no look-up asks whether
 * they are ready. */
__attribute__((constructor)) static void fields_index(void)
{
    for (const char *c = "!#$%&'*+^`|~0123456789abcdefghijklmnopqrstuvwxyz"; *c; c++)
        fold[(unsigned char)*c] = (uint8_t)*c;
    for (char c = 'A'; c <= 'Z'; c++)
        fold[(unsigned char)c] = (uint8_t)str_lower_char(c);
    fold['-'] = fold['_'] = fold['.'] = '-';
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t at = fields_folded_hash(rows[i].name) % SLOTS;
        while (slots[at])
            at = (at + 1) % SLOTS;
        slots[at] = (uint8_t)(i + 1);
    }
}

bool fields_folded_eq(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold[(unsigned char)a.p[i]] != fold[(unsigned char)b.p[i]])
            return false;
    return true;
}

static const struct field_row *row_find(uint32_t hash, str name)
{
    for (uint32_t at = hash % SLOTS; slots[at]; at = (at + 1) % SLOTS) {
        const struct field_row *row = &rows[slots[at] - 1];
        if (fields_folded_eq(row->name, name))
            return row;
    }
    return NULL;
}

static const struct field_row *family_find(str name)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        str prefix = families[i].name;
        if (name.n > 0 && fold[(unsigned char)name.p[0]] == (uint8_t)prefix.p[0] &&
            name.n >= prefix.n && fields_folded_eq(str_upto(name, prefix.n), prefix))
            return &families[i];
    }
    return NULL;
}

/* Checks that the name is a token and hashes it in the same walk. */
static bool name_hash(str name, uint32_t *out)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = fold[(unsigned char)name.p[i]];
        if (!c)
            return false;
        h = hash_step(h, c);
    }
    *out = hash_end(h);
    return name.n > 0;
}

bool fields_classify(struct http_field *f)
{
    f->id = FIELD_OTHER;
    f->drop = DROP_NOT;
    if (!name_hash(f->name, &f->hash))
        return false;
    const struct field_row *row = row_find(f->hash, f->name);
    if (!row) {
        row = family_find(f->name);
        f->drop = row ? row->request : DROP_NOT;
    } else if (str_eq_nocase(row->name, f->name)) {
        f->id = row->id;
        f->drop = row->request;
    } else {
        f->drop = row->request == DROP_IDENTITY ? DROP_IDENTITY : DROP_LOOKALIKE;
    }
    return true;
}

bool fields_classify_response(struct http_field *f)
{
    f->id = FIELD_OTHER;
    f->drop = DROP_NOT;
    if (!name_hash(f->name, &f->hash))
        return false;
    const struct field_row *row = row_find(f->hash, f->name);
    if (!row)
        return true;
    if (str_eq_nocase(row->name, f->name)) {
        f->id = row->id;
        f->drop = row->response;
    } else if (row->response != DROP_NOT) {
        f->drop = DROP_LOOKALIKE;
    }
    return true;
}

void fields_drop_named(struct http_field *fields, size_t n, str connection)
{
    while (connection.p) {
        str token = str_trim(str_cut(&connection, ','), " \t");
        for (size_t i = 0; token.n > 0 && i < n; i++)
            if (fields[i].drop == DROP_NOT && fields_folded_eq(fields[i].name, token))
                fields[i].drop = DROP_CONNECTION;
    }
}

bool fields_may_name_identity(str name)
{
    uint32_t hash;
    if (name.n > NAME_FOLDED_MAX || !name_hash(name, &hash))
        return false;
    const struct field_row *row = row_find(hash, name);
    if (row)
        return row->request == DROP_IDENTITY;
    str ours = STR("x-postern-"), secure = STR("sec-"), proxy = STR("proxy-");
    return !fields_folded_eq(str_upto(name, ours.n), ours) &&
           !fields_folded_eq(str_upto(name, secure.n), secure) &&
           !fields_folded_eq(str_upto(name, proxy.n), proxy);
}

bool fields_is_our_cookie(str name)
{
    static const str prefixes[] = {STR("__Host-Http-"), STR("__Http-"), STR("__Host-"),
                                   STR("__Secure-")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_eq_nocase(str_upto(name, prefixes[i].n), prefixes[i])) {
            name = str_from(name, prefixes[i].n);
            break;
        }
    str ours = STR("postern");
    if (!str_eq_nocase(str_upto(name, ours.n), ours))
        return false;
    return name.n == ours.n || name.p[ours.n] == '-' || name.p[ours.n] == '_';
}

bool fields_cookie_is_dropped(str name)
{
    static const str fronts[] = {STR("CF_Authorization"), STR("AWSELBAuthSessionCookie"),
                                 STR("GCP_IAP"), STR("GCP_IAAP")};
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
        if (str_eq_nocase(str_upto(name, fronts[i].n), fronts[i]))
            return true;
    return fields_is_our_cookie(name);
}

struct field_set *field_set_new(struct arena *a, const str *names, size_t n)
{
    struct field_set *s = arena_new(a, struct field_set);
    s->n = n;
    s->names = names;
    s->hashes = arena_array(a, uint32_t, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t h = s->hashes[i] = fields_folded_hash(names[i]);
        s->bloom[(h >> 6) & 3] |= 1ull << (h & 63);
    }
    return s;
}

bool field_set_has(const struct field_set *s, uint32_t hash, str name)
{
    if (!s || !(s->bloom[(hash >> 6) & 3] & (1ull << (hash & 63))))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (s->hashes[i] == hash && fields_folded_eq(s->names[i], name))
            return true;
    return false;
}

static void print_group(FILE *out, enum field_drop drop, const char *title)
{
    fprintf(out, "%s\n", title);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].request == drop)
            fprintf(out, "  %.*s\n", STR_ARG(rows[i].name));
    for (size_t i = 0; i < FAMILIES; i++)
        if (families[i].request == drop)
            fprintf(out, "  %.*s*\n", STR_ARG(families[i].name));
    fputc('\n', out);
}

void fields_print(FILE *out)
{
    fputs("Request fields that never reach an upstream as they came. Names are compared without\n"
          "case and with _ . - taken as one; a field that only looks like one of the names that\n"
          "postern knows is removed too, and so is what Connection names.\n\n",
          out);
    print_group(out, DROP_IDENTITY, "identity of ours and of other proxies (a spoof attempt):");
    print_group(out, DROP_OVERRIDE, "another path or method than the one decided on:");
    print_group(out, DROP_FORWARDED, "where from (believed only from the listener's front):");
    print_group(out, DROP_HOP, "hop-by-hop:");
    print_group(out, DROP_REWRITTEN, "written anew by postern:");
}
