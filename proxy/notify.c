/* Messages on their way out. See notify.h. One list waits, one is under way; whoever ends pulls the
 * next. */
#include "proxy/notify.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jout.h"
#include "base/log.h"
#include "base/secret.h"
#include "proxy/config/disk.h"

enum {
    PASSWORD_FILE_MAX = 4096,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 5 * 60 * 1000,
    WEBHOOK_ANSWER_MAX = 64 * 1024,
};

struct message {
    struct list_node link; /* in notify's waiting or under_way */
    struct notify *owner;
    char *texts; /* heap, wiped: the four below */
    size_t n_texts;
    str to, channel, subject, text; /* channel absent: to one person */
    bool is_webhook;
    unsigned tries;
    int64_t due_ms, until_ms;
    struct mail_sending *mail; /* under way: one of these */
    struct fetch *fetch;
};

struct notify {
    struct loop *loop;
    struct fetcher *fetcher;
    const struct config *config; /* a reference; NULL: none yet */
    char *password;              /* secret; of the mail server */
    size_t n_password;
    struct list_node waiting, under_way; /* message::link */
    size_t n_waiting, n_under_way;
    struct deadline due;
    _Atomic uint64_t sent, failed, queued;
};

/* ---- messages ---- */

static char *keep(char *p, str from, str *out)
{
    if (!from.p)
        return p;
    *out = (str){memcpy(p, from.p, from.n), from.n};
    p[from.n] = '\0'; /* for the log */
    return p + from.n + 1;
}

static void message_free(struct message *m)
{
    struct notify *n = m->owner;

    if (m->mail)
        mail_cancel(m->mail);
    if (m->fetch)
        fetch_cancel(m->fetch);
    list_remove(&m->link);
    secret_wipe(m->texts, m->n_texts);
    free(m->texts);
    free(m);
    atomic_store(&n->queued, n->n_waiting + n->n_under_way);
}

static void give_up(struct message *m, const char *why)
{
    struct notify *n = m->owner;

    atomic_fetch_add(&n->failed, 1);
    /* Never where a webhook is: chat servers put the secret into the URL. */
    if (m->channel.p)
        log_error("notify.failed", why, "channel", m->channel.p);
    else
        log_error("notify.failed", why, "to", m->to.p);
    message_free(m);
}

/* ---- sending ---- */

int64_t notify_backoff_ms(unsigned tries)
{
    int64_t ms = BACKOFF_FIRST_MS;

    while (tries-- > 1 && ms < BACKOFF_MAX_MS)
        ms *= 4;
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void pump(struct notify *n);

static void wait_again(struct message *m, const char *why)
{
    struct notify *n = m->owner;

    m->due_ms = loop_now_ms(n->loop) + notify_backoff_ms(++m->tries);
    if (m->due_ms >= m->until_ms) {
        give_up(m, why);
        return;
    }
    log_warn("notify.retry", why, "channel", m->channel.p ? m->channel.p : "-");
    list_append(&n->waiting, &m->link);
    n->n_waiting++;
}

/* One way or another it is no longer under way. */
static void sent_or_not(struct message *m, bool is_sent, bool is_final, const char *why)
{
    struct notify *n = m->owner;

    m->mail = NULL;
    m->fetch = NULL;
    list_remove(&m->link);
    n->n_under_way--;
    if (is_sent) {
        atomic_fetch_add(&n->sent, 1);
        message_free(m);
    } else if (is_final) {
        give_up(m, why);
    } else {
        wait_again(m, why);
    }
    atomic_store(&n->queued, n->n_waiting + n->n_under_way);
    pump(n);
}

static void on_mail(void *ctx, const struct mail_result *r)
{
    sent_or_not(ctx, r->is_sent, r->is_final, r->fail.text);
}

static void on_webhook(void *ctx, const struct fetch_result *r)
{
    char why[64];
    bool is_sent = r->status >= 200 && r->status < 300;
    bool may_pass = r->status == 0 || r->status >= 500 || r->status == 408 || r->status == 429;

    snprintf(why, sizeof why, "the webhook answered with status %d", r->status);
    sent_or_not(ctx, is_sent, !may_pass, r->status ? why : r->fail.text);
}

static bool start_mail(struct message *m, struct fail *fail)
{
    const struct notify *n = m->owner;
    const struct config_mail *c = &n->config->mail;
    struct mail_server server = {.url = c->url,
                                 .username = c->username,
                                 .password = {n->password, n->n_password},
                                 .ca_file = c->ca};
    struct mail mail = {.from = c->from,
                        .to = m->to,
                        .subject = m->subject,
                        .text = m->text,
                        .wall_s = loop_wall_us(n->loop) / 1000000};

    m->mail = mail_start(n->fetcher, &server, &mail, on_mail, m, fail);
    return m->mail != NULL;
}

str notify_webhook_body(struct arena *a, str channel, str subject, str text)
{
    size_t room = 6 * (channel.n + 2 * subject.n + text.n) + 128;
    str all = arena_printf(a, "%.*s\n%.*s", STR_ARG(subject), STR_ARG(text));
    struct jout j;

    jout_init(&j, arena_text(a, room), room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("channel"), channel);
    jout_kstr(&j, STR("subject"), subject);
    jout_kstr(&j, STR("text"), all);
    jout_close(&j, '}');
    return jout_text(&j);
}

static bool start_webhook(struct message *m, struct fail *fail)
{
    struct arena a;

    arena_init(&a, NULL, 0);
    struct fetch_request request = {
        .url = m->to,
        .body = notify_webhook_body(&a, m->channel, m->subject, m->text),
        .content_type = STR("application/json"),
        .accept = STR("*/*"),
        .max_bytes = WEBHOOK_ANSWER_MAX,
    };
    m->fetch = fetch_start(m->owner->fetcher, &request, on_webhook, m, fail);
    arena_finish(&a);
    return m->fetch != NULL;
}

static void start(struct message *m)
{
    struct notify *n = m->owner;
    struct fail fail = {0};

    list_remove(&m->link);
    n->n_waiting--;
    if (!m->is_webhook && !n->config->mail.url.p) {
        give_up(m, "there is no mail server any more");
        return;
    }
    if (!(m->is_webhook ? start_webhook : start_mail)(m, &fail)) {
        give_up(m, fail.text);
        return;
    }
    list_append(&n->under_way, &m->link);
    n->n_under_way++;
}

static struct message *next_due(struct notify *n, int64_t *wait_ms)
{
    int64_t now_ms = loop_now_ms(n->loop), next_ms = INT64_MAX;

    for (struct list_node *at = n->waiting.next; at != &n->waiting; at = at->next) {
        struct message *m = list_entry(at, struct message, link);
        if (m->due_ms <= now_ms)
            return m;
        next_ms = m->due_ms < next_ms ? m->due_ms : next_ms;
    }
    *wait_ms = next_ms == INT64_MAX ? -1 : next_ms - now_ms;
    return NULL;
}

static void pump(struct notify *n)
{
    int64_t wait_ms = -1;

    while (n->n_under_way < NOTIFY_AT_ONCE) {
        struct message *m = next_due(n, &wait_ms);
        if (!m)
            break;
        start(m);
    }
    atomic_store(&n->queued, n->n_waiting + n->n_under_way);
    if (wait_ms >= 0)
        deadline_set(n->loop, &n->due, wait_ms > 0 ? wait_ms : 1);
}

static void on_due(struct deadline *d)
{
    pump(list_entry(d, struct notify, due));
}

/* ---- queueing ---- */

static bool is_full(const struct notify *n, bool is_direct)
{
    return n->n_waiting + n->n_under_way >= (is_direct ? NOTIFY_QUEUE_MAILS : NOTIFY_QUEUE);
}

static bool queue(struct notify *n, str channel, str to, bool is_webhook, str subject, str text)
{
    bool is_direct = !channel.p;

    if (is_full(n, is_direct) || text.n > MAIL_TEXT_MAX) {
        atomic_fetch_add(&n->failed, 1);
        log_error("notify.failed", "there is no room for a message", "channel",
                  is_direct ? "-" : "notify");
        return false;
    }
    struct message *m = mem_alloc(sizeof *m);
    m->owner = n;
    m->is_webhook = is_webhook;
    m->n_texts = to.n + channel.n + subject.n + text.n + 4;
    m->texts = mem_alloc(m->n_texts);
    keep(keep(keep(keep(m->texts, to, &m->to), channel, &m->channel), subject, &m->subject), text,
         &m->text);
    m->due_ms = loop_now_ms(n->loop);
    m->until_ms = m->due_ms + (is_direct ? NOTIFY_MAIL_MS : NOTIFY_NOTICE_MS);
    list_append(&n->waiting, &m->link);
    n->n_waiting++;
    return true;
}

bool notify_mail(struct notify *n, str to, str subject, str text)
{
    if (!n->config || !n->config->mail.url.p || !mail_address_is_sound(to) ||
        !queue(n, (str){NULL, 0}, to, false, subject, text))
        return false;
    pump(n);
    return true;
}

static const struct config_channel *find_channel(const struct notify *n, str name)
{
    for (size_t i = 0; n->config && i < n->config->n_channels; i++)
        if (str_eq(n->config->channels[i].name, name))
            return &n->config->channels[i];
    return NULL;
}

bool notify_channel(struct notify *n, str channel, str subject, str text)
{
    const struct config_channel *c = find_channel(n, channel);
    bool is_queued = c != NULL;

    if (!c) {
        atomic_fetch_add(&n->failed, 1);
        log_error("notify.failed", "a message is for a channel that is not in notify:");
        return false;
    }
    if (c->webhook.p)
        is_queued &= queue(n, c->name, c->webhook, true, subject, text);
    for (size_t i = 0; i < c->n_mail; i++)
        is_queued &= queue(n, c->name, c->mail[i], false, subject, text);
    pump(n);
    return is_queued;
}

/* ---- birth, settings, end ---- */

static void read_password(struct notify *n, str path)
{
    struct arena a;
    struct fail fail = {0};
    str text = {NULL, 0};

    secret_free(n->password, PASSWORD_FILE_MAX);
    n->password = NULL;
    n->n_password = 0;
    if (!path.p)
        return;
    arena_init(&a, NULL, 0);
    if (disk_read_secret(path.p, PASSWORD_FILE_MAX, &a, &text, &fail)) {
        str line = str_trim(text, "\r\n");
        n->password = secret_alloc(PASSWORD_FILE_MAX);
        memcpy(n->password, line.p, line.n);
        n->n_password = line.n;
        secret_wipe((char *)text.p, text.n);
    } else {
        log_error("notify.password", fail.text);
    }
    arena_finish(&a);
}

void notify_configure(struct notify *n, const struct config *config)
{
    const struct config *old = n->config;

    n->config = config_ref(config);
    config_unref(&old);
    read_password(n, config->mail.password_file);
    pump(n);
}

struct notify *notify_create(struct loop *loop)
{
    struct notify *n = mem_alloc(sizeof *n);

    n->loop = loop;
    n->fetcher = fetcher_create(loop);
    list_init(&n->waiting);
    list_init(&n->under_way);
    deadline_init(&n->due, on_due);
    return n;
}

static void drop_all(struct list_node *list)
{
    while (!list_empty(list))
        give_up(list_entry(list->next, struct message, link), "postern ends");
}

void notify_destroy(struct notify *n)
{
    if (!n)
        return;
    drop_all(&n->under_way);
    drop_all(&n->waiting);
    deadline_clear(n->loop, &n->due);
    fetcher_destroy(n->fetcher);
    secret_free(n->password, PASSWORD_FILE_MAX);
    config_unref(&n->config);
    free(n);
}

void notify_counts(const struct notify *n, struct notify_counts *out)
{
    *out = (struct notify_counts){atomic_load(&n->sent), atomic_load(&n->failed),
                                  atomic_load(&n->queued)};
}
