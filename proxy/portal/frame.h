/* frame: what every page of the portal is made with: head, top, headline, notes, forms, foot. A
 * frame is filled in order and given back by frame_end. */
#ifndef PROXY_PORTAL_FRAME_H
#define PROXY_PORTAL_FRAME_H

#include "proxy/http/layout.h"
#include "proxy/portal/words.h"

enum { FRAME_TITLE_MAX = 96, FRAME_TEXT_MAX = 1024, FRAME_CODE_MAX = 96, FRAME_HIDDEN_MAX = 2048 };

struct frame {
    struct html html;
    struct arena *arena;
    const struct page_env *env;
    struct layout layout;
    bool has_script;
    bool leads_on; /* what its forms are answered with may lead to an app */
};

/* `arg` fills the title's gap; absent: there is none. */
void frame_begin(struct frame *f, struct arena *a, const struct page_env *env, bool is_wide,
                 enum words_id title, str arg);
struct page frame_end(struct frame *f);
/* One more item of a list fits, whatever is in it, and `reserve` after it. */
enum { FRAME_ITEM_MAX = 20 * 1024 };
bool frame_has_room(const struct frame *f, size_t reserve);

/* Words of ours, escaped; _with fills the gap. */
void frame_words(struct frame *f, enum words_id id);
void frame_words_with(struct frame *f, enum words_id id, str arg);
/* `open` is markup of a tag, `close` of its end. */
void frame_tag(struct frame *f, str open, enum words_id id, str close);
void frame_headline(struct frame *f, enum layout_sign sign, enum words_id id, str arg);
void frame_p(struct frame *f, enum words_id id);
void frame_p_with(struct frame *f, enum words_id id, str arg);
/* Text from elsewhere as a paragraph of a class ("soft"); nothing when there is none. */
void frame_p_text(struct frame *f, str class_name, str text);
/* What was just done, by its code; nothing when it has no words. */
void frame_notice(struct frame *f, str code);

/* A link that looks like a button; nothing when `url` may not be linked. */
void frame_button(struct frame *f, str url, bool is_quiet, enum words_id id);
void frame_form(struct frame *f, str action);
/* Nothing for a value that is absent, or longer than any of ours. */
void frame_hidden(struct frame *f, str name, str value);
void frame_form_end(struct frame *f);
/* kind: "", "quiet", "grave", "quiet slim" ... ; name absent: it is not sent. */
void frame_submit(struct frame *f, str kind, str name, str value, enum words_id id);
/* A textarea with its label, hint and error. */
void frame_textarea(struct frame *f, enum words_id label, enum words_id hint, str text,
                    enum page_form_error error, bool is_optional);
/* Reason, request and contact: the foot of what went wrong. */
void frame_facts(struct frame *f, str reason);
void frame_retry(struct frame *f, uint32_t retry_after_s);

#endif
