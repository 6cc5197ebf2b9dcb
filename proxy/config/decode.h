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
};

/* The text as a C string; a file name hangs on the directory of postern.yaml. Absent for NULL. */
str decode_text(struct decode *d, const struct doc_node *node);
str decode_file(struct decode *d, const struct doc_node *node);
str decode_file_or(struct decode *d, const struct doc_node *node, const char *fallback);
/* The texts of a list (or of one item alone). */
const str *decode_texts(struct decode *d, const struct doc_node *node, size_t *n_out);
/* Reports that this key belongs to a later version. NULL is fine. */
void decode_later(struct decode *d, const struct doc_node *map, const char *key, const char *what);

void decode_listeners(struct decode *d, const struct doc_node *list);
void decode_admin(struct decode *d, const struct doc_node *map);
void decode_issuers(struct decode *d, const struct doc_node *dict);
void decode_services(struct decode *d, const struct doc_node *dict);
/* All sections of a checked document. */
void decode_all(struct decode *d, const struct doc_node *root);

/* The finding for a postern.yaml that cannot be read. */
void config_unreadable(const char *path, const struct fail *fail, struct findings *f);

#endif
