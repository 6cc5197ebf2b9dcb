/* decode_request: the requests of embedded tests and of `explain`: "METHOD URL", "ssh LOGIN@APP",
 * "rdp APP". */
#include "policy/load.h"
#include "policy/scalar.h"

enum { MAX_URL_PATH_BYTES = 8192 };

static void refuse(struct load *l, const struct doc_node *node, const char *suggestion,
                   const char *what)
{
    doc_error(l->f, node, "bad-request", suggestion, "%s", what);
}

static bool find_app(struct load *l, const struct doc_node *node, str name,
                     struct test_request *out)
{
    struct doc_node at_name = *node;
    at_name.text = name;
    const struct def *d = load_find(l, DEF_APP, &at_name);
    if (!d)
        return false;
    out->app = (uint32_t)d->index;
    return true;
}

static void check_protocol(struct load *l, const struct doc_node *node, struct test_request *out)
{
    const struct app *app = &l->apps[out->app];
    if (app->face.host.p && app->protocol_bit != out->protocol_bit)
        refuse(l, node, NULL, "this app speaks another protocol");
}

static void read_ssh(struct load *l, const struct doc_node *node, str rest,
                     struct test_request *out)
{
    size_t at = str_rfind(rest, '@');
    out->protocol_bit = PROTOCOL_BIT_SSH;
    if (at == 0 || at >= rest.n) {
        refuse(l, node, NULL, "an ssh request is written \"ssh LOGIN@APP\"");
        return;
    }
    out->login = str_upto(rest, at);
    if (find_app(l, node, str_from(rest, at + 1), out))
        check_protocol(l, node, out);
}

static void read_rdp(struct load *l, const struct doc_node *node, str rest,
                     struct test_request *out)
{
    out->protocol_bit = PROTOCOL_BIT_RDP;
    if (find_app(l, node, rest, out))
        check_protocol(l, node, out);
}

/* Host without its port; an address without brackets, as hosts are looked up. */
static str host_of(struct load *l, str authority)
{
    if (authority.n > 0 && authority.p[0] == '[') {
        size_t close = str_find(authority, ']');
        return arena_lower(l->a, str_upto(authority, close < authority.n ? close + 1 : close));
    }
    return arena_lower(l->a, str_upto(authority, str_find(authority, ':')));
}

static bool is_own_path(str target)
{
    char buf[MAX_URL_PATH_BYTES + 1];
    str path;
    if (target.n > MAX_URL_PATH_BYTES ||
        path_normalise(target, (struct path_rules){true, true}, buf, &path) != PATH_OK)
        return false;
    return str_eq(path, STR("/.postern")) || str_starts(path, STR("/.postern/"));
}

static str after_scheme(str url)
{
    static const str schemes[] = {{"https://", 8}, {"http://", 7}, {"wss://", 6}, {"ws://", 5}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (str_starts(url, schemes[i]))
            return str_from(url, schemes[i].n);
    }
    return (str){NULL, 0};
}

/* Where the authority ends: at the first of / ? #. */
static size_t authority_end(str rest)
{
    size_t end = 0;
    while (end < rest.n && !memchr("/?#", rest.p[end], 3))
        end++;
    return end;
}

static void read_url(struct load *l, const struct doc_node *node, str url, struct test_request *out)
{
    str rest = after_scheme(url);
    if (!rest.p) {
        refuse(l, node, NULL,
               "a request is written \"METHOD URL\" with http://, https://, ws:// or wss://, "
               "\"ssh LOGIN@APP\" or \"rdp APP\"");
        return;
    }
    size_t end = authority_end(rest);
    out->host = host_of(l, str_upto(rest, end));
    out->target = end < rest.n ? str_from(rest, end) : STR("/");
    if (out->target.p[0] == '?')
        out->target = arena_printf(l->a, "/%.*s", STR_ARG(out->target));
    if (is_own_path(out->target))
        refuse(l, node, NULL, "URLs under /.postern/ are postern's own and never put to the rules");
    const struct app *app = app_by_host(l->p, out->host);
    if (app)
        out->app = (uint32_t)app->face.index;
    else if (!l->names_missing && !l->hosts_missing)
        doc_error(l->f, node, "unknown-app", "write the host or an alias of an app",
                  "no app answers to host \"%.*s\"", STR_ARG(str_upto(out->host, 80)));
}

static void read_http(struct load *l, const struct doc_node *node, str method, str url,
                      struct test_request *out)
{
    struct doc_node as_method = *node;
    as_method.text = method;
    const char *why;
    out->protocol_bit = PROTOCOL_BIT_HTTP;
    out->method = method;
    if (!scalar_check_method(&as_method, &why))
        doc_error(l->f, node, "bad-request", NULL, "\"%.*s\" %s", STR_ARG(str_upto(method, 40)),
                  why);
    else
        read_url(l, node, url, out);
}

static void decode_request(struct load *l, const struct doc_node *node, struct test_request *out)
{
    str rest = node->text;
    str word = str_cut(&rest, ' ');
    out->text = node->text;
    rest = str_trim(rest, " ");
    if (str_eq(word, STR("ssh")))
        read_ssh(l, node, rest, out);
    else if (str_eq(word, STR("rdp")))
        read_rdp(l, node, rest, out);
    else
        read_http(l, node, word, rest, out);
}

const struct test_request *decode_requests(struct load *l, const struct doc_node *node,
                                           size_t *n_out)
{
    size_t n = load_count(node);
    struct test_request *requests = arena_array(l->a, struct test_request, n);
    for (size_t i = 0; i < n; i++)
        decode_request(l, load_item(node, i), &requests[i]);
    *n_out = n;
    return requests;
}
