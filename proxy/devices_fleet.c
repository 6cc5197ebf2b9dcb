/* Polling a Fleet server: page after page until an empty one, then the table is whole. A poll that
 * fails on the way leaves what was known, which ages by itself. */
#include "proxy/devices_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

enum {
    PER_PAGE = 200,
    PAGE_BYTES = 32 << 20,
    PAGE_MS = 30 * 1000,
    PAGES_MOST = DEVICE_TABLE_MAX / PER_PAGE + 1,
    TOKEN_MOST = 4096,
    RETRY_MIN_MS = 1000,
    DOWN_AFTER = 2, /* failures in a row: one may be a restart */
};

static void poll(struct source *s);

static void again_in(struct source *s, int64_t ms)
{
    deadline_set(s->owner->options.loop, &s->due, ms);
}

/* Sooner than the next poll, so that a short trouble costs no freshness. */
static int64_t retry_ms(const struct source *s)
{
    int64_t ms = s->config->every_ms / 4;
    return ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms;
}

static void failed(struct source *s, const char *why)
{
    log_warn("fleet.failed", why, "source", s->name.p);
    fleet_reader_destroy(&s->reader);
    s->failures++;
    if (s->failures >= DOWN_AFTER || !s->table)
        devices_down(s, why);
    again_in(s, retry_ms(s));
}

/* Not with each poll: when there are more or fewer of them. */
static void warn_of_twins(const struct source *s, const struct device_table *table)
{
    char text[160];
    const struct device *first = device_table_first_twin(table);
    if (!first || device_table_twins(table) == device_table_twins(s->table))
        return;
    snprintf(text, sizeof text,
             "%zu devices are unknown, since the id of each is also another's id or serial number",
             device_table_twins(table));
    log_warn("device.twins", text, "source", s->name.p, "first", first->id.p);
}

static void finished(struct source *s)
{
    struct device_table *table = fleet_reader_finish(&s->reader);
    s->failures = 0;
    warn_of_twins(s, table);
    devices_take(s, table);
    devices_up(s);
    again_in(s, s->config->every_ms);
}

static void fetched(void *ctx, const struct fetch_result *r)
{
    struct source *s = ctx;
    struct fail fail = {0};
    char text[96];
    bool more;
    s->fetch = NULL;
    if (r->status != 200) {
        snprintf(text, sizeof text, "the Fleet server answered with status %d", r->status);
        failed(s, r->status ? text : r->fail.text);
        return;
    }
    if (!fleet_reader_page(s->reader, r->body, &more, &fail)) {
        failed(s, fail.text);
        return;
    }
    s->page++;
    if (more && s->page < PAGES_MOST)
        poll(s);
    else
        finished(s);
}

/* Read anew each time: tokens are changed while we run. */
static bool read_token(const struct source *s, char out[TOKEN_MOST], str *token, struct fail *fail)
{
    int fd = open(s->config->token_file.p, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, TOKEN_MOST) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return fail_errno(fail, "cannot read %s", s->config->token_file.p);
    *token = str_trim((str){out, (size_t)n}, " \t\r\n");
    return token->n > 0 || fail_set(fail, FAIL_INPUT, "%s is empty", s->config->token_file.p);
}

static bool start(struct source *s, struct fail *fail)
{
    char secret[TOKEN_MOST], authorization[TOKEN_MOST + 16], url[2048];
    str base = s->config->url, token = {NULL, 0};
    while (str_ends(base, STR("/")))
        base.n--;
    if (!read_token(s, secret, &token, fail))
        return false;
    int n = snprintf(authorization, sizeof authorization, "Bearer %.*s", STR_ARG(token));
    int u = snprintf(url, sizeof url,
                     "%.*s/api/v1/fleet/hosts?page=%zu&per_page=%d&order_key=id&"
                     "populate_policies=true",
                     STR_ARG(base), s->page, PER_PAGE);
    struct fetch_request request = {
        .url = {url, (size_t)u},
        .ca_file = s->config->ca,
        .authorization = {authorization, (size_t)n},
        .timeout_ms = PAGE_MS,
        .max_bytes = PAGE_BYTES,
    };
    if (u >= (int)sizeof url)
        fail_set(fail, FAIL_LIMIT, "the URL is too long");
    else
        s->fetch = fetch_start(s->owner->fetcher, &request, fetched, s, fail);
    secret_wipe(secret, sizeof secret);
    secret_wipe(authorization, sizeof authorization);
    return s->fetch != NULL;
}

static void poll(struct source *s)
{
    struct fail fail = {0};
    if (!start(s, &fail))
        failed(s, fail.text);
}

static void is_due(struct deadline *d)
{
    struct source *s = list_entry(d, struct source, due);
    if (s->fetch)
        return;
    fleet_reader_destroy(&s->reader);
    s->reader = fleet_reader_create(s->name, loop_wall_us(s->owner->options.loop) / 1000000);
    s->page = 0;
    poll(s);
}

void fleet_begin(struct source *s)
{
    deadline_init(&s->due, is_due);
    again_in(s, 1);
}

void fleet_finish(struct source *s)
{
    if (s->fetch)
        fetch_cancel(s->fetch);
    s->fetch = NULL;
    fleet_reader_destroy(&s->reader);
    deadline_clear(s->owner->options.loop, &s->due);
}
