/* cover: whether one rule holds wherever another does, seen from their texts alone.
 *
 * True is a proof; false only means that none was found. Works across two sets: names are compared,
 * never pointers. */
#ifndef POLICY_COVER_H
#define POLICY_COVER_H

#include "policy/rule.h"

/* Whenever `narrow` is true, `wide` is; whenever it is unknown, `wide` is unknown or true. Effects
 * and apps are not looked at. */
bool cover_who(const struct who *wide, const struct who *narrow);
bool cover_parts(const struct to *wide, const struct to *narrow); /* methods, paths, logins */
bool cover_need(const struct rule *wide, const struct rule *narrow);
bool cover_life(const struct rule *wide, const struct rule *narrow);
/* All of them. */
bool cover_rule(const struct rule *wide, const struct rule *narrow);
/* No request can have such parts: except leaves out all of the paths. */
bool cover_is_empty(const struct to *to);
/* Every path of `narrow` is one of `wide`. */
bool cover_glob(const struct path_glob *wide, const struct path_glob *narrow);

/* ---- between cover.c and cover_need.c: lists are OR, so the longer one is wider ---- */

/* An empty list is "not written": no condition at all. */
bool cover_texts(struct str_list wide, struct str_list narrow);
bool cover_is_subset(struct want_list part, struct want_list whole);

#endif
