/* Between doc_parse.c and its helpers. */
#ifndef BASE_DOC_IMPL_H
#define BASE_DOC_IMPL_H

#include <yaml.h>

#include "base/doc.h"

/* The place of a byte. */
struct finding_at doc_place_of_offset(const struct doc_file *file, size_t offset);
/* False when a byte of the file may not stand where it does; the first has been told. */
bool doc_check_bytes(const struct doc_file *file, struct findings *f);
/* Tells in our words what libyaml says of the file; `open` is the innermost [ or { that is open, or
 * NULL. */
void doc_problem(const yaml_parser_t *y, const struct doc_file *file, const struct doc_node *open,
                 struct findings *f);

#endif
