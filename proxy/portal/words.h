/* words: every text of the pages, in every language, in one table. `{}` is where one word from the
 * caller goes. A sentence stands whole: languages order words differently. */
#ifndef PROXY_PORTAL_WORDS_H
#define PROXY_PORTAL_WORDS_H

#include "proxy/http/html.h"
#include "proxy/portal/pages.h"
#include "proxy/portal/words_table.h"

enum words_id {
    WORDS_NONE = 0,
#define X(id, english, german) WORDS_##id,
    WORDS_TABLE(X)
#undef X
        WORDS_COUNT
};

str words_text(enum page_language language, enum words_id id);
/* "en", "de": the lang attribute. */
str words_tag(enum page_language language);
/* Into a page; `arg` takes the place of {} and is cut at WORDS_ARG_MAX bytes. */
enum { WORDS_ARG_MAX = 128 };
void words_put(struct html *h, enum page_language language, enum words_id id);
void words_put_with(struct html *h, enum page_language language, enum words_id id, str arg);

/* Words for a stable code of ours ("login.state", "default-deny", "form.csrf"): title and sentence.
 * False: it has none. */
struct words_about {
    enum words_id title, sentence;
};
bool words_about(str code, struct words_about *out);

#endif
