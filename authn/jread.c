/* Strict JSON, read in place. See jread.h; the tokens are those of jscan.h. */
#include "authn/jread.h"

#include "authn/jscan.h"

/* Objects up to this size are searched for duplicates by comparing, larger ones by hash: else a
 * token full of short names would cost the square of its length before anything is proved. */
enum { FEW_MEMBERS = 12 };

struct reader {
    struct jscan scan;
    struct arena *arena; /* NULL: check the form only */
    unsigned depth;
};

static bool read_value(struct reader *r, struct jnode *out);

static bool read_number(struct reader *r, struct jnode *out)
{
    bool is_real;
    if (!jscan_number(&r->scan, &out->text, &is_real))
        return false;
    out->kind = is_real ? J_REAL : J_INTEGER;
    return true;
}

static bool read_word(struct reader *r, struct jnode *out, str word, enum jkind kind)
{
    out->kind = kind;
    out->text = (str){r->scan.p, word.n}; /* like every text a slice of the buffer */
    return jscan_word(&r->scan, word);
}

static bool has_duplicates_hashed(struct arena *a, const struct jnode *object)
{
    size_t slots = 64;
    while (slots < 2 * object->n)
        slots *= 2;
    const struct jnode **table = arena_array(a, const struct jnode *, slots);
    for (const struct jnode *m = object->first; m; m = m->next) {
        size_t i = (size_t)str_hash(m->name) & (slots - 1);
        for (; table[i]; i = (i + 1) & (slots - 1))
            if (str_eq(table[i]->name, m->name))
                return true;
        table[i] = m;
    }
    return false;
}

static bool has_duplicates(struct arena *a, const struct jnode *object)
{
    if (object->n > FEW_MEMBERS)
        return has_duplicates_hashed(a, object);
    for (const struct jnode *m = object->first; m; m = m->next)
        for (const struct jnode *o = m->next; o; o = o->next)
            if (str_eq(m->name, o->name))
                return true;
    return false;
}

static bool read_name(struct reader *r, str *out)
{
    if (!jscan_string(&r->scan, out))
        return false;
    jscan_space(&r->scan);
    return jscan_take(&r->scan, ':');
}

/* One child, kept in the tree when there is one. */
static bool read_child(struct reader *r, struct jnode *parent, struct jnode ***tail)
{
    struct jnode scratch = {0};
    struct jnode *child = r->arena ? arena_new(r->arena, struct jnode) : &scratch;
    if (parent->kind == J_OBJECT && !read_name(r, &child->name))
        return false;
    jscan_space(&r->scan);
    if (!read_value(r, child))
        return false;
    jscan_space(&r->scan);
    parent->n++;
    if (r->arena) {
        **tail = child;
        *tail = &child->next;
    }
    return true;
}

static bool read_children(struct reader *r, struct jnode *out, char closing)
{
    struct jnode **tail = &out->first;
    r->scan.p++;
    jscan_space(&r->scan);
    if (jscan_take(&r->scan, closing))
        return true;
    do {
        jscan_space(&r->scan);
        if (!read_child(r, out, &tail))
            return false;
    } while (jscan_take(&r->scan, ','));
    return jscan_take(&r->scan, closing);
}

static bool read_container(struct reader *r, struct jnode *out)
{
    bool is_object = *r->scan.p == '{';
    out->kind = is_object ? J_OBJECT : J_LIST;
    if (++r->depth > JREAD_MAX_DEPTH || !read_children(r, out, is_object ? '}' : ']'))
        return false;
    r->depth--;
    return !r->arena || !is_object || !has_duplicates(r->arena, out);
}

static bool read_value(struct reader *r, struct jnode *out)
{
    if (r->scan.p == r->scan.end)
        return false;
    switch (*r->scan.p) {
    case '{':
    case '[':
        return read_container(r, out);
    case '"':
        out->kind = J_STRING;
        return jscan_string(&r->scan, &out->text);
    case 't':
        return read_word(r, out, STR("true"), J_BOOL);
    case 'f':
        return read_word(r, out, STR("false"), J_BOOL);
    case 'n':
        return read_word(r, out, STR("null"), J_NULL);
    default:
        return read_number(r, out);
    }
}

static bool at_end(struct reader *r)
{
    jscan_space(&r->scan);
    return r->scan.p == r->scan.end;
}

struct jnode *jread_object(struct arena *a, char *bytes, size_t n, bool *has_control)
{
    struct reader r = {.scan = {bytes, bytes + n, false}, .arena = a};
    struct jnode *root = arena_new(a, struct jnode);
    jscan_space(&r.scan);
    if (!read_value(&r, root) || root->kind != J_OBJECT || !at_end(&r))
        return NULL;
    if (has_control)
        *has_control = r.scan.has_control;
    return root;
}

const struct jnode *jread_get(const struct jnode *object, const char *name)
{
    str wanted = str_of(name);
    if (!object || object->kind != J_OBJECT)
        return NULL;
    for (const struct jnode *m = object->first; m; m = m->next)
        if (str_eq(m->name, wanted))
            return m;
    return NULL;
}

str jread_text(const struct jnode *object, const char *name)
{
    const struct jnode *m = jread_get(object, name);
    return m && m->kind == J_STRING ? m->text : (str){NULL, 0};
}

bool jread_number(const struct jnode *node, double *out)
{
    if (!node || (node->kind != J_INTEGER && node->kind != J_REAL))
        return false;
    return jscan_number_value(node->text, node->kind == J_REAL, out);
}

bool jread_is_texts(const struct jnode *node)
{
    if (!node || node->kind != J_LIST)
        return false;
    for (const struct jnode *m = node->first; m; m = m->next)
        if (m->kind != J_STRING)
            return false;
    return true;
}

static bool peek_member(struct reader *r, const char *const *names, str *texts, size_t count,
                        uint32_t *seen)
{
    struct jnode value = {0};
    str name;
    if (!read_name(r, &name))
        return false;
    jscan_space(&r->scan);
    if (!read_value(r, &value))
        return false;
    jscan_space(&r->scan);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(name, str_of(names[i])))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        if (value.kind == J_STRING)
            texts[i] = value.text;
    }
    return true;
}

bool jread_peek(char *bytes, size_t n, const char *const *names, str *texts, size_t count)
{
    struct reader r = {.scan = {bytes, bytes + n, false}, .depth = 1};
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++)
        texts[i] = (str){NULL, 0};
    jscan_space(&r.scan);
    if (!jscan_take(&r.scan, '{'))
        return false;
    jscan_space(&r.scan);
    if (jscan_take(&r.scan, '}'))
        return at_end(&r);
    do {
        jscan_space(&r.scan);
        if (!peek_member(&r, names, texts, count, &seen))
            return false;
    } while (jscan_take(&r.scan, ','));
    return jscan_take(&r.scan, '}') && at_end(&r);
}
