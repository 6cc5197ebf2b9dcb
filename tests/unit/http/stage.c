/* See stage.h. */
#include "stage.h"

#include <ctype.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../authn/signer.h"
#include "proxy/http/conn.h"

/* ---- players ---- */

void player_finish(struct player *p)
{
    if (p->fd >= 0)
        close(p->fd);
    free(p->heard);
    free(p->unsent);
    *p = (struct player){.fd = -1};
}

static void player_start(struct player *p, int fd)
{
    player_finish(p);
    p->fd = fd;
    p->heard = mem_alloc(1);
}

/* True when something moved. */
static bool player_hear(struct player *p)
{
    static char buf[65536];
    if (p->fd < 0 || p->saw_end || p->is_deaf)
        return false;
    ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        p->saw_end = true;
        p->is_reset = n < 0;
        return true;
    }
    if (p->n + (size_t)n + 1 > p->cap) {
        p->cap = 2 * (p->n + (size_t)n) + 1;
        p->heard = mem_grow(p->heard, p->cap);
    }
    memcpy(p->heard + p->n, buf, (size_t)n);
    p->n += (size_t)n;
    p->heard[p->n] = '\0';
    return true;
}

static bool player_send(struct player *p)
{
    if (p->fd < 0 || p->n_unsent == 0)
        return false;
    ssize_t n = send(p->fd, p->unsent, p->n_unsent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0) { /* nobody listens any more */
        p->n_unsent = 0;
        return true;
    }
    p->n_unsent -= (size_t)n;
    memmove(p->unsent, p->unsent + n, p->n_unsent);
    return true;
}

static void player_say(struct player *p, const char *bytes, size_t n)
{
    assert_true(p->fd >= 0);
    p->unsent = mem_grow(p->unsent, p->n_unsent + n + 1);
    memcpy(p->unsent + p->n_unsent, bytes, n);
    p->n_unsent += n;
    player_send(p);
}

/* Runs of 32 hex digits are request ids: "ID". */
static void mask_ids(char *text)
{
    char *to = text;
    for (const char *p = text; *p;) {
        size_t n = 0;
        while (isdigit((unsigned char)p[n]) || (p[n] >= 'a' && p[n] <= 'f'))
            n++;
        if (n == VISIT_ID_CHARS) {
            memcpy(to, "ID", 2);
            to += 2;
            p += n;
            continue;
        }
        n = n ? n : 1;
        memmove(to, p, n);
        to += n;
        p += n;
    }
    *to = '\0';
}

static const char *player_heard(struct player *p)
{
    static char *texts[4];
    static unsigned turn;
    char **out = &texts[turn++ % 4];
    free(*out);
    *out = mem_alloc(p->n + 1);
    for (size_t i = 0; i < p->n; i++) /* frames hold zeros: shown as dots */
        (*out)[i] = p->heard[i] ? p->heard[i] : '.';
    mask_ids(*out);
    p->n = 0;
    return *out;
}

/* ---- the stage ---- */

static void drained(void *ctx)
{
    ((struct stage *)ctx)->n_drained++;
}

static void crowded(void *ctx, bool is_crowded)
{
    struct stage *s = ctx;
    s->n_crowded++;
    s->is_crowded = is_crowded;
}

static void admin(void *ctx, str method, str path, struct arena *a, struct http_admin_answer *out)
{
    *out = (struct http_admin_answer){
        .status = 200,
        .type = STR("text/plain"),
        .body = arena_printf(a, "%.*s %.*s\n", STR_ARG(method), STR_ARG(path))};
}

static void app_listens(struct stage *s)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", house_path(s->house, "app.sock"));
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(s->listener, 16), 0);
}

struct stage *stage_open(const struct house_options *o)
{
    struct stage *s = mem_alloc(sizeof *s);
    struct house_options with = *o;
    if (!with.policy)
        with.policy = TESTS_POLICY("");
    s->house = house_open(&with);
    s->connections = 16;
    s->client.fd = -1;
    for (size_t i = 0; i < STAGE_UPS; i++)
        s->up[i].fd = -1;
    app_listens(s);
    return s;
}

static void open_http(struct stage *s)
{
    struct http_options o = {.loop = s->house->loop,
                             .gate = s->house->gate,
                             .counters = &s->house->counters,
                             .connections = s->connections,
                             .admin = admin,
                             .drained = drained,
                             .crowded = crowded,
                             .ctx = s};
    s->http = http_create(&o);
}

void stage_close(struct stage *s)
{
    player_finish(&s->client);
    for (size_t i = 0; i < STAGE_UPS; i++)
        player_finish(&s->up[i]);
    stage_settle(s);
    if (s->http) {
        assert_int_equal(stage_buffers(s), 0);
        stage_pass(s, 3000); /* who lingers */
        assert_int_equal(http_connections(s->http), 0);
        http_cut(s->http);
        house_turn(s->house);
        http_destroy(s->http);
    }
    assert_int_equal(atomic_load(&s->house->counters.connections_open), 0);
    assert_int_equal(atomic_load(&s->house->counters.upstream_idle), 0);
    close(s->listener);
    house_close(s->house);
    free(s);
}

void stage_connect_as(struct stage *s, enum http_role role, size_t listener)
{
    struct listener_peer peer = {.port = 4711};
    int fds[2];
    if (!s->http)
        open_http(s);
    addr_parse(STR("198.51.100.7"), &peer.addr);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    player_start(&s->client, fds[0]);
    http_accept(s->http, role, listener, fds[1], &peer);
}

void stage_connect(struct stage *s, size_t listener)
{
    stage_connect_as(s, HTTP_ROLE_APPS, listener);
}

static const char *authorization(str name)
{
    const char *bearer =
        str_eq(name, STR("guest")) ? house_bearer("joe", ",\"groups\":[\"guests\"]")
        : str_eq(name, STR("late"))
            ? arena_printf(&signer_arena, "Bearer %s",
                           house_token_of("https://late.example", "new", "kim", STAFF))
                  .p
            : house_bearer("kim", STAFF);
    return arena_printf(&signer_arena, "Authorization: %s\r\n", bearer).p;
}

void stage_say(struct stage *s, const char *text)
{
    static const str names[] = {STR("staff"), STR("guest"), STR("late")};
    for (const char *at; (at = strchr(text, '@'));) {
        size_t i = 0;
        while (i < ROWS(names) && strncmp(at + 1, names[i].p, names[i].n) != 0)
            i++;
        if (i == ROWS(names))
            break;
        stage_say_bytes(s, text, (size_t)(at - text));
        const char *line = authorization(names[i]);
        stage_say_bytes(s, line, strlen(line));
        text = at + 1 + names[i].n;
    }
    stage_say_bytes(s, text, strlen(text));
}

void stage_say_bytes(struct stage *s, const char *bytes, size_t n)
{
    player_say(&s->client, bytes, n);
}

void stage_up_say(struct stage *s, size_t up, const char *text)
{
    player_say(&s->up[up], text, strlen(text));
}

void stage_up_say_bytes(struct stage *s, size_t up, const char *bytes, size_t n)
{
    player_say(&s->up[up], bytes, n);
}

void stage_hang_up(struct stage *s)
{
    close(s->client.fd);
    s->client.fd = -1;
}

void stage_half_close(struct stage *s)
{
    shutdown(s->client.fd, SHUT_WR);
}

void stage_up_hang_up(struct stage *s, size_t up)
{
    close(s->up[up].fd);
    s->up[up].fd = -1;
}

static bool app_accepts(struct stage *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    assert_true(s->n_up < STAGE_UPS);
    player_start(&s->up[s->n_up++], fd);
    return true;
}

/* Sockets within one process need no waiting, only turns. */
void stage_settle(struct stage *s)
{
    for (int quiet = 0, turns = 0; quiet < 6; quiet++) {
        loop_turn(s->house->loop, false);
        house_sync(s->house);
        bool moved = app_accepts(s) | player_hear(&s->client) | player_send(&s->client);
        for (size_t i = 0; i < s->n_up; i++)
            moved |= player_hear(&s->up[i]) | player_send(&s->up[i]);
        if (moved)
            quiet = 0;
        assert_true(++turns < 100000);
    }
}

void stage_pass(struct stage *s, int64_t ms)
{
    clock_pass(ms);
    stage_settle(s);
}

const char *stage_heard(struct stage *s)
{
    return player_heard(&s->client);
}

const char *stage_up_heard(struct stage *s, size_t up)
{
    assert_true(up < s->n_up);
    return player_heard(&s->up[up]);
}

bool stage_is_closed(const struct stage *s)
{
    return s->client.saw_end;
}

size_t stage_buffers(const struct stage *s)
{
    return s->http->buffers.n_taken;
}

bool begins(const char *text, const char *want)
{
    return strncmp(text, want, strlen(want)) == 0;
}

struct stage *stage_open_app(const char *settings)
{
    char policy[1024];
    snprintf(policy, sizeof policy, TESTS_POLICY("%s"), settings);
    struct stage *s = stage_open(&(struct house_options){.policy = policy});
    stage_connect(s, 0);
    return s;
}
