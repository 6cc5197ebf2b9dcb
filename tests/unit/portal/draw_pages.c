/* draw_pages DIR: writes every sample page as NAME.LANGUAGE.html, and its Content-Security-Policy
 * as NAME.LANGUAGE.csp: what the browser tests serve, and what is looked at. */
#include "samples.h"

#include "proxy/http/page.h"

#include <stdio.h>

static int put(const char *dir, const char *name, const char *tag, const char *ext, str text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s.%s", dir, name, tag, ext);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

/* The page of a refusal that the proxy makes by itself. */
static int put_refusals(const char *dir)
{
    static char buf[PAGE_MAX_BYTES];
    static const struct {
        const char *name;
        struct refusal refusal;
    } all[] = {
        {"http-forbidden",
         {.status = 403,
          .reason = STR("deny-rule"),
          .sentence = STR("A rule of this organisation forbids this visit."),
          .remedy = STR("Ask security@corp.example."),
          .request_id = STR("01JDJ5W2K8Q7Z4"),
          .app_title = STR("Payroll"),
          .contact = STR("it-help@corp.example")}},
        {"http-bad-gateway",
         {.status = 502,
          .reason = STR("upstream.unreachable"),
          .sentence = STR("The app's server could not be reached."),
          .remedy = STR("Try again in a moment."),
          .request_id = STR("01JDJ5W2K8Q7Z4"),
          .app_title = STR("Grafana")}},
        {"http-sign-in",
         {.status = 401,
          .reason = STR("auth.none"),
          .sentence = STR("You are not signed in."),
          .login_url = STR("https://access.corp.example/.postern/login?to=x&b=y"),
          .request_id = STR("01JDJ5W2K8Q7Z4"),
          .app_title = STR("Grafana")}},
    };
    int bad = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        str page = {buf, page_write(&all[i].refusal, buf, sizeof buf)};
        bad |= put(dir, all[i].name, "en", "html", page);
    }
    return bad;
}

int main(int argc, char **argv)
{
    static const char *const tags[PAGE_LANGUAGE_COUNT] = {"en", "de"};
    int bad = 0;
    if (argc != 2) {
        fputs("usage: draw_pages DIR\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < n_samples; i++)
        for (int l = 0; l < PAGE_LANGUAGE_COUNT; l++) {
            struct arena a;
            struct page_env env = sample_env((enum page_language)l);
            arena_init(&a, NULL, 0);
            struct page page = samples[i].make(&a, &env);
            bad |= put(argv[1], samples[i].name, tags[l], "html", page.html);
            bad |= put(argv[1], samples[i].name, tags[l], "csp", page.csp);
            arena_finish(&a);
        }
    return bad | put_refusals(argv[1]);
}
