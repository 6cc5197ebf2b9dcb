/* The facts of a witness as the arguments of `postern policy explain`: whoever reads of a
 * difference can look at it from all sides. */
#include <stdio.h>
#include <string.h>

#include "proxy/command/policy_command.h"

enum { MOST_ARGS = 256 };

struct args {
    struct arena *arena;
    str *items;
    size_t n;
};

static void put(struct args *args, const char *option, str value)
{
    if (args->n + 2 > MOST_ARGS)
        return;
    args->items[args->n++] = str_of(option);
    args->items[args->n++] = value;
}

static void put_flag(struct args *args, const char *option)
{
    if (args->n < MOST_ARGS)
        args->items[args->n++] = str_of(option);
}

static void put_some(struct args *args, const char *option, str value)
{
    if (value.n)
        put(args, option, value);
}

/* NAME=VALUE, a text in quotes where it would be taken for something else. */
static void put_value(struct args *args, const char *option, str name, const struct policy_value *v)
{
    for (size_t i = 0; v->kind == POLICY_VALUE_LIST && i < v->n; i++)
        put_value(args, option, name, &v->items[i]);
    if (v->kind == POLICY_VALUE_LIST)
        return;
    const char *quote = v->kind == POLICY_VALUE_TEXT && policy_looks_typed(v->text) ? "\"" : "";
    put(args, option,
        arena_printf(args->arena, "%.*s=%s%.*s%s", STR_ARG(name), quote, STR_ARG(v->text), quote));
}

/* None is known to be none by an empty one. */
static void put_list(struct args *args, const char *option, const str *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(args, option, items[i]);
    if (!n)
        put(args, option, STR(""));
}

static void put_identity(struct args *args, const struct policy_identity *id, int64_t now_s)
{
    put(args, id->is_machine ? "--service" : "--as", id->is_machine ? id->service : id->email);
    if (id->groups_known && (id->n_groups || !id->is_machine))
        put_list(args, "--group", id->groups, id->n_groups);
    for (size_t i = 0; i < id->n_claims; i++)
        put_value(args, "--claim", id->claims[i].name, &id->claims[i].value);
    put_some(args, "--issuer", id->issuer_name);
    if (id->mfa != POLICY_UNKNOWN)
        put_flag(args, id->mfa == POLICY_TRUE ? "--mfa" : "--no-mfa");
    if (id->auth_time_s)
        put(args, "--auth-age",
            arena_printf(args->arena, "%llds", (long long)(now_s - id->auth_time_s)));
    if (id->amr_known)
        put_list(args, "--method", id->amr, id->n_amr);
    put_some(args, "--acr", id->acr);
}

static void put_device(struct args *args, const struct policy_device *device)
{
    str source = {NULL, 0};

    put(args, "--device", STR("witness"));
    for (size_t i = 0; i < device->n_facts; i++) {
        const struct policy_device_fact *fact = &device->facts[i];
        if (!str_eq(fact->source, source))
            put(args, "--source", fact->source);
        source = fact->source;
        put_value(args, "--device", fact->attribute, &fact->value);
    }
}

static void put_grants(struct args *args, const struct policy_facts *facts)
{
    for (size_t i = 0; i < facts->n_grants; i++)
        put(args, facts->grants[i].kind == POLICY_GRANT_APPROVAL ? "--approved" : "--broken-glass",
            facts->grants[i].rule);
}

const str *policy_asked(struct arena *a, const char *path, const struct policy_facts *facts,
                        str request, str at, size_t *n_out)
{
    struct args args = {a, arena_array(a, str, MOST_ARGS + 2), 0};
    char from[ADDR_TEXT_BYTES];

    put(&args, "--policy", str_of(path));
    put(&args, "--at", at);
    put_identity(&args, facts->identity, facts->now_us / 1000000);
    if (facts->n_devices)
        put_device(&args, &facts->devices[0]);
    if (facts->request->from.family) {
        addr_text(&facts->request->from, from);
        put(&args, "--from", arena_dup(a, str_of(from)));
    }
    put_some(&args, "--country", facts->request->country);
    put_some(&args, "--purpose", facts->purpose);
    put_grants(&args, facts);
    args.items[args.n++] = request;
    *n_out = args.n;
    return args.items;
}

static bool is_plain_word(str s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=:,./@";

    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(plain, s.p[i]))
            return false;
    return s.n > 0;
}

/* For a shell: in single quotes where it must be. */
static void print_word(str s)
{
    putchar(' ');
    if (is_plain_word(s)) {
        policy_print_safe(stdout, s);
        return;
    }
    putchar('\'');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            fputs("'\\''", stdout);
        else
            policy_print_safe(stdout, (str){s.p + i, 1});
    putchar('\'');
}

void policy_asked_print(const str *args, size_t n)
{
    printf("postern policy explain");
    for (size_t i = 0; i < n; i++)
        print_word(args[i]);
    printf("\n");
}
