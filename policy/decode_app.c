/* decode_app: what rules and pages need of an app, kept for as long as the policy. The rest of its
 * mapping has been checked by the tables and travels on as a tree, for the rooms that connect,
 * probe and rewrite. */
#include "policy/load.h"
#include "policy/scalar.h"

static str text_or(struct load *l, const struct doc_node *node, const char *key, str fallback)
{
    str s = doc_text(node, key);
    return s.p ? load_keep(l, s) : fallback;
}

static void read_labels(struct load *l, const struct doc_node *node, struct policy_app *app)
{
    app->n_labels = node ? node->n : 0;
    struct policy_label *labels = arena_array(&l->p->arena, struct policy_label, app->n_labels);
    for (size_t i = 0; i < app->n_labels; i++)
        labels[i] = (struct policy_label){load_keep(l, node->keys[i]->text),
                                          load_keep(l, node->items[i]->text)};
    app->labels = labels;
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* The one form under which a host is looked up: lower case, an address as addr_text writes it. */
static str host_form(struct load *l, str s)
{
    struct addr a;
    char text[ADDR_TEXT_BYTES];
    if (!addr_parse(s, &a))
        return arena_lower(&l->p->arena, s);
    size_t n = addr_text(&a, text);
    return arena_dup(&l->p->arena, (str){text, n});
}

static void check_reserved(struct load *l, const struct doc_node *node, str host)
{
    const struct policy_known *known = l->in->known;
    for (size_t i = 0; known && i < known->n_reserved_hosts; i++) {
        if (str_eq_nocase(host, known->reserved_hosts[i]))
            doc_error(l->f, node, "reserved-host", "give the app a host of its own",
                      "\"%.*s\" is the host of the portal or the console", STR_ARG(host));
    }
}

static void add_host(struct load *l, const struct doc_node *node, struct app *app)
{
    str host = host_form(l, node->text);
    bool is_wild = str_starts(host, STR("*."));
    struct map *map = is_wild ? &l->p->apps_by_wild : &l->p->apps_by_host;
    check_reserved(l, node, host);
    str key = is_wild ? str_from(host, 2) : host;
    const struct app *first = map_get(map, key);
    if (first) {
        doc_error(l->f, node, "duplicate-host", "exactly one app answers a host",
                  "host \"%.*s\" belongs to app \"%.*s\" already (%.*s:%u)", STR_ARG(host),
                  STR_ARG(first->face.name), STR_ARG(first->face.node->file->name),
                  first->face.node->line);
        return;
    }
    map_add(map, key, app);
    /* A Host header brackets a v6 address; both spellings find it. */
    if (!is_wild && memchr(host.p, ':', host.n))
        map_add(map, arena_printf(&l->p->arena, "[%.*s]", STR_ARG(host)), app);
}

static void read_hosts(struct load *l, const struct doc_node *node, struct app *app)
{
    const struct doc_node *host = doc_get(node, "host"), *aliases = doc_get(node, "aliases");
    size_t n = load_count(aliases);
    str *names = arena_array(&l->p->arena, str, n);
    app->face.host = host_form(l, host->text);
    add_host(l, host, app);
    for (size_t i = 0; i < n; i++) {
        names[i] = host_form(l, load_item(aliases, i)->text);
        add_host(l, load_item(aliases, i), app);
    }
    app->face.aliases = names;
    app->face.n_aliases = n;
}

/* ---- upstream and protocol ------------------------------------------------------------------ */

static enum policy_protocol protocol_of(enum upstream_scheme scheme)
{
    if (scheme == UPSTREAM_SSH)
        return POLICY_SSH;
    return scheme == UPSTREAM_RDP ? POLICY_RDP : POLICY_HTTP;
}

static enum policy_protocol protocol_named(str name)
{
    if (str_eq(name, STR("ssh")))
        return POLICY_SSH;
    return str_eq(name, STR("rdp")) ? POLICY_RDP : POLICY_HTTP;
}

static void check_upstreams(struct load *l, const struct doc_node *upstream, struct app *app)
{
    const char *why;
    enum upstream_scheme first = scalar_upstream(load_item(upstream, 0)->text, &why);
    for (size_t i = 0; i < load_count(upstream); i++) {
        const struct doc_node *item = load_item(upstream, i);
        enum upstream_scheme scheme = scalar_upstream(item->text, &why);
        if (scheme == UPSTREAM_TCP)
            doc_warn(l->f, item, "tcp-upstream", "use http://, https://, unix:, ssh:// or rdp://",
                     "tcp:// upstreams are not served: app \"%.*s\" answers 501",
                     STR_ARG(app->face.name));
        if (protocol_of(scheme) != protocol_of(first) ||
            (scheme == UPSTREAM_TCP) != (first == UPSTREAM_TCP))
            doc_error(l->f, item, "mixed-upstreams", "write one app for each protocol",
                      "the upstreams of an app must speak one protocol");
    }
    app->face.is_tcp = first == UPSTREAM_TCP;
    app->face.protocol = protocol_of(first);
}

static void read_protocol(struct load *l, const struct doc_node *node, struct app *app)
{
    const struct doc_node *protocol = doc_get(node, "protocol");
    check_upstreams(l, doc_get(node, "upstream"), app);
    if (protocol && app->face.is_tcp)
        app->face.protocol = protocol_named(protocol->text);
    else if (protocol && protocol_named(protocol->text) != app->face.protocol)
        doc_error(l->f, protocol, "protocol-mismatch", "leave protocol out",
                  "protocol \"%.*s\" does not fit the scheme of the upstream",
                  STR_ARG(protocol->text));
    app->protocol_bit = (uint8_t)(1u << app->face.protocol);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static struct glob_list read_globs(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    struct path_glob *globs = arena_array(&l->p->arena, struct path_glob, n);
    const char *why;
    for (size_t i = 0; i < n; i++)
        path_glob_compile(&l->p->arena, load_item(node, i)->text, &globs[i], &why);
    return (struct glob_list){globs, n};
}

static void read_start(struct load *l, const struct doc_node *node, struct app *app)
{
    app->face.start = STR("/");
    if (!node)
        return;
    char *buf = arena_text(&l->p->arena, node->text.n + 1);
    str path;
    if (path_normalise(node->text, app->face.path_rules, buf, &path) == PATH_OK)
        app->face.start = path;
    else
        doc_error(l->f, node, "bad-value",
                  "write another path, or encoded_slash: pass or path_params: pass",
                  "\"%.*s\" is a path that the app itself refuses",
                  STR_ARG(str_upto(node->text, 80)));
}

static void read_paths(struct load *l, const struct doc_node *node, struct app *app)
{
    app->face.path_rules = (struct path_rules){
        .pass_encoded_slash = str_eq(doc_text(node, "encoded_slash"), STR("pass")),
        .pass_params = str_eq(doc_text(node, "path_params"), STR("pass")),
    };
    app->face.ignores_case = str_eq(doc_text(node, "path_case"), STR("insensitive"));
    app->public_paths = read_globs(l, doc_get(node, "public_paths"));
    app->cross_site_post = read_globs(l, doc_get(node, "cross_site_post"));
    read_start(l, doc_get(node, "start"), app);
    l->ignores_case |= app->face.ignores_case;
}

static void decode_app(struct load *l, const struct doc_node *node, struct app *app)
{
    struct policy_app *face = &app->face;
    face->title = text_or(l, node, "title", face->name);
    face->description = load_keep(l, doc_text(node, "description"));
    face->icon = load_keep(l, doc_text(node, "icon"));
    face->owner = load_keep(l, doc_text(node, "owner"));
    read_labels(l, doc_get(node, "labels"), face);
    read_hosts(l, node, app);
    read_protocol(l, node, app);
    read_paths(l, node, app);
    struct str_list logins = load_keep_texts(l, doc_get(node, "logins"));
    face->logins = logins.items;
    face->n_logins = logins.n;
}

void decode_apps(struct load *l)
{
    size_t n = l->defs[DEF_APP].n;
    l->apps = arena_array(&l->p->arena, struct app, n);
    l->p->apps = l->apps;
    l->p->n_apps = n;
    for (size_t i = 0; i < n; i++) {
        const struct def *d = l->defs[DEF_APP].entries[i].value;
        struct app *app = &l->apps[i];
        app->face.name = load_keep(l, d->name);
        app->face.index = i;
        app->face.node = d->node;
        map_add(&l->p->apps_by_name, app->face.name, app);
        if (d->has_form)
            decode_app(l, d->node, app);
        else
            l->hosts_missing = true;
    }
}
