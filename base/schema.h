/* schema: checks a doc tree against tables, and prints the tables as JSON Schema.
 *
 * One table per mapping lists its keys; a key's type is another table entry. schema_check reports
 * every unknown key (with did-you-mean among the keys legal there), missing key, wrong kind, empty
 * list or mapping and malformed scalar. After a check without errors the readers below cannot
 * fail, so decoding is plain code: check first, then read. Tables are static and constant. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include <stdio.h>

#include "base/doc.h"

enum schema_kind {
    SCHEMA_ANY = 0,     /* anything; left to the reader */
    SCHEMA_SCALAR,      /* text; `check`, `pattern` and `choices` narrow it */
    SCHEMA_LIST,        /* one or more of `item` */
    SCHEMA_ONE_OR_LIST, /* `item` alone, or a list of it */
    SCHEMA_MAP,         /* `fields` */
    SCHEMA_DICT,        /* free names (checked by `key`) -> `item` */
    SCHEMA_EITHER, /* `alternatives`, chosen by node kind: at most one scalar, list and map each */
};

/* Says in *why (a phrase: "must be ...") what is wrong; true when good. */
typedef bool schema_scalar_check(const struct doc_node *node, const char **why);

/* What to write instead of a value of the wrong text or kind; {NULL, 0} when there is no guess. */
typedef str schema_hint(struct arena *a, const struct doc_node *node);

/* What others call it, and what it is called here. */
struct schema_other {
    const char *theirs, *ours;
};

struct schema_field;

struct schema_type {
    enum schema_kind kind;
    const char *name;                              /* as in messages: "a duration", "a rule" */
    const struct schema_field *fields;             /* MAP: ended by a field without name */
    const struct schema_type *item, *key;          /* LIST, ONE_OR_LIST, DICT */
    const struct schema_type *const *alternatives; /* EITHER: NULL-ended */
    const char *const *choices;                    /* SCALAR: NULL-ended list of legal texts */
    schema_scalar_check *check;                    /* SCALAR */
    schema_hint *hint;
    const struct schema_other *others; /* of choices, or of fields; ended by NULL */
    const char *pattern;               /* SCALAR: ECMA regex for the JSON Schema only */
    const char *json;                  /* SCALAR: JSON Schema type(s) when not "string" */
    bool may_be_empty;                 /* LIST, MAP, DICT, SCALAR "" */
    const char *doc;
};

struct schema_field {
    const char *name;
    const struct schema_type *type;
    bool required;
    const char *fallback; /* the default, for documentation */
    const char *doc;      /* one line */
};

/* Ready scalar types. */
extern const struct schema_type schema_text, schema_bool, schema_uint, schema_duration, schema_size;

/* What a value of the type is called, where it has no name of its own. */
const char *schema_name(const struct schema_type *type);
/* True when nothing was found wrong below this node. */
bool schema_check(const struct schema_type *type, const struct doc_node *node, struct findings *f);
/* JSON Schema draft-07 of the type; `id` and `title` name it. */
void schema_print_json(const struct schema_type *type, const char *id, const char *title,
                       FILE *out);
/* The same tables as a Markdown reference. */
void schema_print_markdown(const struct schema_type *type, const char *title, FILE *out);

/* Readers for checked nodes; a NULL node gives the fallback. */
bool read_bool(const struct doc_node *node, bool fallback);
uint64_t read_uint(const struct doc_node *node, uint64_t fallback);
int64_t read_duration_ms(const struct doc_node *node, int64_t fallback_ms); /* 200ms 5s 30m 4h 7d */
uint64_t read_size(const struct doc_node *node, uint64_t fallback);         /* 64KiB 1GiB 1024 0 */
/* Parsers behind them, for text. */
bool parse_duration_ms(str s, int64_t *out);
bool parse_size(str s, uint64_t *out);
/* A list's items, or the node itself as a list of one (ONE_OR_LIST); 0 for NULL. */
size_t read_count(const struct doc_node *node);
const struct doc_node *read_item(const struct doc_node *node, size_t i);

#endif
