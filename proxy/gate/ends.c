/* Close reasons. See ends.h. */
#include "proxy/gate/ends.h"

static const struct {
    const char *word, *text;
    bool is_error;
} ENDS[] = {
#define X(id, word, is_error, text) [id] = {word, text, is_error},
    VISIT_ENDS(X)
#undef X
};

const char *visit_end_word(enum visit_end end)
{
    return ENDS[end].word;
}

const char *visit_end_text(enum visit_end end)
{
    return ENDS[end].text;
}

bool visit_end_is_error(enum visit_end end)
{
    return ENDS[end].is_error;
}
