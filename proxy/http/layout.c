/* See layout.h. */
#include "proxy/http/layout.h"

#include "page_style.h"

enum { BRAND_MAX = 64, TITLE_MAX = 128 };

/* A door in a wall, small: what a postern is. */
#define DOOR "<path d='M5 21V10a7 7 0 0 1 14 0v11M3 21h18M14.5 14v1.5'/>"
#define SVG "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">"

str layout_style(void)
{
    return STR(PAGE_STYLE);
}

str layout_style_hash(void)
{
    return STR(PAGE_STYLE_HASH);
}

/* The mark of the tab is in the page too: a request for /favicon.ico would reach the app. */
static void put_head(struct html *h, const struct layout *l)
{
    html_lit(h, "<!doctype html><html lang=\"");
    html_text(h, l->lang, 8);
    html_lit(h, "\"><head><meta charset=\"utf-8\"><title>");
    html_text(h, l->title, TITLE_MAX);
    html_lit(h, "</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                "<meta name=\"robots\" content=\"noindex\">"
                "<meta name=\"color-scheme\" content=\"light dark\">"
                "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/"
                "svg' viewBox='-4 -4 32 32' fill='none' stroke='white' stroke-width='2'%3E%3Crect "
                "x='-4' y='-4' width='32' height='32' rx='8' fill='%230b655a' stroke='none'/%3E"
                "%3Cpath d='M5 21V10a7 7 0 0 1 14 0v11M3 21h18M14.5 14v1.5'/%3E%3C/svg%3E\">"
                "<style>" PAGE_STYLE "</style></head>");
}

void layout_open(struct html *h, const struct layout *l)
{
    bool has_home = html_is_link(l->home);
    put_head(h, l);
    html_raw(h, l->is_wide ? STR("<body class=\"wide\">") : STR("<body>"));
    html_lit(h, "<a class=\"skip\" href=\"#main\">");
    html_text(h, l->skip, TITLE_MAX);
    html_lit(h, "</a><header class=\"top\"><");
    if (has_home) {
        html_lit(h, "a class=\"brand\" href=\"");
        html_text(h, l->home, l->home.n);
        html_lit(h, "\">");
    } else {
        html_lit(h, "span class=\"brand\">");
    }
    html_lit(h, SVG DOOR "</svg>");
    html_text(h, l->brand.n ? l->brand : STR("postern"), BRAND_MAX);
    html_raw(h, has_home ? STR("</a>") : STR("</span>"));
}

/* It takes the focus of the skip link: some browsers move only the view otherwise. */
void layout_main(struct html *h, const struct layout *l)
{
    html_lit(h, "</header><main id=\"main\" tabindex=\"-1\">");
    if (!l->is_wide)
        html_lit(h, "<div class=\"card\">");
}

void layout_close(struct html *h, const struct layout *l)
{
    if (!l->is_wide)
        html_lit(h, "</div>");
    html_lit(h, "</main></body></html>\n");
}

void layout_sign(struct html *h, enum layout_sign sign)
{
    static const str drawings[LAYOUT_SIGN_COUNT] = {
        [LAYOUT_SIGN_DOOR] = STR("\">" SVG DOOR),
        [LAYOUT_SIGN_LOCK] = STR(" bad\">" SVG "<rect x='5' y='11' width='14' height='9' rx='2'/>"
                                 "<path d='M8 11V8a4 4 0 0 1 8 0v3M12 15v1.5'/>"),
        [LAYOUT_SIGN_CLOCK] = STR(" warn\">" SVG "<circle cx='12' cy='12' r='8.5'/>"
                                  "<path d='M12 7.5V12l3 2'/>"),
        [LAYOUT_SIGN_ALERT] = STR(" warn\">" SVG "<path d='M12 4 2.8 20h18.4zM12 10v4.5M12 17v.2'"
                                  "/>"),
        [LAYOUT_SIGN_DONE] = STR("\">" SVG "<path d='m5 12.5 4.5 4.5L19 7.5'/>"),
        [LAYOUT_SIGN_PEN] = STR("\">" SVG "<path d='M4 20l1-4L16 5l3 3L8 19zM13.5 7.5l3 3'/>"),
    };
    if (sign == LAYOUT_SIGN_NONE)
        return;
    html_lit(h, "<div class=\"sign");
    html_raw(h, drawings[sign]);
    html_lit(h, "</svg></div>");
}

void layout_fact(struct html *h, str name, str value, size_t max)
{
    if (value.n == 0)
        return;
    html_lit(h, "<dt>");
    html_text(h, name, TITLE_MAX);
    html_lit(h, "</dt><dd><code>");
    html_text(h, value, max);
    html_lit(h, "</code></dd>");
}

static void put_link(struct html *h, str scheme, str target, str text)
{
    html_lit(h, "<a href=\"");
    html_raw(h, scheme);
    html_text(h, target, target.n);
    html_lit(h, "\">");
    html_text(h, text, TITLE_MAX);
    html_lit(h, "</a>");
}

void layout_contact(struct html *h, str name, str contact)
{
    bool is_mail = html_is_mail(contact);
    if (!is_mail && (!str_starts(contact, STR("http")) || !html_is_link(contact))) {
        layout_fact(h, name, contact, 512);
        return;
    }
    html_lit(h, "<dt>");
    html_text(h, name, TITLE_MAX);
    html_lit(h, "</dt><dd>");
    put_link(h, is_mail ? STR("mailto:") : STR(""), contact, contact);
    html_lit(h, "</dd>");
}
