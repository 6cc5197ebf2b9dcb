/* cause: why a visit is refused, and what helps, as people read it. Shown is what the person can
 * understand and act on; codes and rules are for the record. */
#ifndef PROXY_PORTAL_CAUSE_H
#define PROXY_PORTAL_CAUSE_H

#include "proxy/portal/frame.h"

enum { CAUSE_SHOWN_MAX = 6 };

/* What may help, all that is asked of a page about it. */
struct cause {
    str app;
    struct page_way way; /* back to what was refused */
    const str *causes;
    size_t n_causes;
    const struct policy_remedy *remedies;
    size_t n_remedies;
    int64_t asked_s; /* an approval, and nobody has answered yet; 0: it was not */
};

/* False: nothing is known that a person would understand. */
struct cause_words {
    enum words_id id;
    str arg;
};
bool cause_words(enum page_language l, str code, struct cause_words *out);

/* Each once, at most `most`; false: none was put. */
bool cause_put(struct frame *f, const struct cause *c, size_t most, str open, str close);
/* What helps without a button: the device, the hour, whom to ask. */
bool cause_has_advice(const struct frame *f, const struct cause *c);
void cause_put_advice(struct frame *f, const struct cause *c, str open, str close);
/* At most `most`; the first one stands out. False: none. */
bool cause_put_buttons(struct frame *f, const struct cause *c, size_t most, bool is_slim);

/* Which kind of refusal it is, for the headline. */
enum cause_kind { CAUSE_FINAL = 0, CAUSE_NOT_NOW, CAUSE_NOT_YET };
enum cause_kind cause_kind(str reason, const struct cause *c);

#endif
