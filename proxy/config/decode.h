/* decode: from checked nodes to settings, one function for each section. What the tables cannot say
 * (names that must exist, parts that exclude each other, what a later version brings) is found
 * here. */
#ifndef PROXY_CONFIG_DECODE_H
#define PROXY_CONFIG_DECODE_H

#include "proxy/config/settings.h"

#include "base/doc.h"
#include "base/fail.h"

struct decode {
    struct arena *arena;
    struct findings *findings;
    struct config *config;
    struct config_issuer *issuers; /* config->issuers while it grows */
    size_t issuers_cap;
    bool are_issuers_read; /* else nothing is told of an issuer that is not there */
};

/* The text as a C string; a file name hangs on the directory of postern.yaml. Absent for NULL. */
str decode_text(struct decode *d, const struct doc_node *node);
str decode_file(struct decode *d, const struct doc_node *node);
str decode_file_or(struct decode *d, const struct doc_node *node, const char *fallback);
/* The texts of a list (or of one item alone). */
const str *decode_texts(struct decode *d, const struct doc_node *node, size_t *n_out);
/* Reports that this key belongs to a later version. NULL is fine. */
/* "did you mean": NULL when nothing is near. */
const char *decode_hint(struct decode *d, str word, const str *names, size_t n);
void decode_later(struct decode *d, const struct doc_node *map, const char *key, const char *what);

/* In this order: a front and a source may need an issuer, and add one of their own; a service may
 * name any. `room`: how many may be added. */
void decode_portal(struct decode *d, const struct doc_node *map);
void decode_issuers(struct decode *d, const struct doc_node *dict, size_t room);
void decode_listeners(struct decode *d, const struct doc_node *list);
void decode_front(struct decode *d, const struct doc_node *node, struct config_listener *out);
void decode_admin(struct decode *d, const struct doc_node *map);
void decode_sources(struct decode *d, const struct doc_node *dict);
void decode_services(struct decode *d, const struct doc_node *dict);
void decode_sessions(struct decode *d, const struct doc_node *map);
void decode_mail(struct decode *d, const struct doc_node *map);
void decode_channels(struct decode *d, const struct doc_node *dict);
void decode_builtin(struct decode *d, const struct doc_node *map);

/* decode_issuers.c: parts that others make issuers of. */
unsigned decode_algs(const struct doc_node *node);
/* jwks_url, jwks_file, ca; else by discovery of `iss_at`. */
void decode_keys(struct decode *d, const struct doc_node *map, const struct doc_node *iss_at,
                 struct config_issuer *out);
/* Appends an implicit issuer; its index. Settings that are equal to those of one that is there
 * share it; another one of its name is an error at `at`. */
size_t decode_add_issuer(struct decode *d, const struct doc_node *at,
                         const struct config_issuer *issuer);
/* The index of a name, SIZE_MAX after an error at the node. */
size_t decode_find_issuer(struct decode *d, const struct doc_node *node);
/* decode_client.c: what makes an issuer one where people sign in. */
void decode_client(struct decode *d, const struct doc_node *map, struct config_issuer *out);
void decode_builtin_issuer(struct decode *d, const struct doc_node *at, struct config_issuer *out);

/* All sections of a checked document. */
void decode_all(struct decode *d, const struct doc_node *root);

/* The finding for a postern.yaml that cannot be read. */
void config_unreadable(const char *path, const struct fail *fail, struct findings *f);

#endif
