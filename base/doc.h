/* doc: a YAML document as a tree whose every node knows its file, line and column.
 *
 * Read through libyaml's event API. Scalars keep their raw text and are typed by their place in a
 * schema, so NO, 1.10, 0755 and 09:30 are text. What YAML allows and we do not is an error with its
 * place: anchors, aliases, tags, merge keys, a second document, tabs as indentation, a BOM, bad
 * UTF-8, duplicate keys, depth over 16, more than 1 MiB. Memory: the caller's arena; `bytes` must
 * outlive the tree. */
#ifndef BASE_DOC_H
#define BASE_DOC_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

enum { DOC_MAX_BYTES = 1 << 20, DOC_MAX_DEPTH = 16 };

enum doc_kind { DOC_NONE = 0, DOC_SCALAR, DOC_LIST, DOC_MAP };

struct doc_file {
    str name, bytes;
};

struct doc_node {
    uint8_t kind;          /* enum doc_kind */
    bool is_plain;         /* an unquoted scalar */
    bool is_flow;          /* a scalar within brackets */
    uint32_t n;            /* list, map: children */
    unsigned line, column; /* 1-based; column counts characters */
    str text;              /* scalar: its value */
    const struct doc_file *file;
    struct doc_node **items; /* list items, or map values */
    struct doc_node **keys;  /* map keys (scalars), same index as items */
};

/* NULL when the document is not readable at all; findings say why. An empty file is an error. */
struct doc_node *doc_parse(struct arena *a, const struct doc_file *file, struct findings *f);
/* Map member or NULL. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
/* The key node of a member, for marks on the key. */
const struct doc_node *doc_key(const struct doc_node *map, const char *key);
/* Text of a scalar member, {NULL, 0} when absent. */
str doc_text(const struct doc_node *map, const char *key);
struct finding_at doc_at(const struct doc_node *node);
/* A place that no node stands at. Looking for the source line is a walk through the file. */
struct finding_at doc_place(const struct doc_file *file, unsigned line, unsigned column);
/* findings_add at a node. */
__attribute__((format(printf, 5, 6))) void doc_error(struct findings *f,
                                                     const struct doc_node *node, const char *code,
                                                     const char *suggestion, const char *fmt, ...);
__attribute__((format(printf, 5, 6))) void doc_warn(struct findings *f, const struct doc_node *node,
                                                    const char *code, const char *suggestion,
                                                    const char *fmt, ...);

#endif
