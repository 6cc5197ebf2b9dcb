/* regex: the escape hatch of the language, compiled so that it cannot escape itself. */
#ifndef POLICY_REGEX_H
#define POLICY_REGEX_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/str.h"

/* Matches whole paths only. NULL with a phrase in *why when it is no legal expression. The caller
 * frees the code (pcre2_code_free). */
pcre2_code *regex_compile(str text, bool ignores_case, const char **why);

#endif
