/* postern init DIR: a configuration to begin with, which is good as it stands: `config check` and
 * `policy test` pass on it at once. It never overwrites: an existing file stops it before anything
 * is written. */
#include "proxy/command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/command/option.h"
#include "proxy/command/usage.h"

#include "policy/policy.h"

static const char usage_text[] = "usage: postern init DIR\n"
                                 "\n"
                                 "Writes DIR/postern.yaml, DIR/users.yaml for people to sign in, "
                                 "DIR/policies/ with\na first policy, its tests and the schema for "
                                 "editors, DIR/log/ and\nDIR/state/keys/.\n"
                                 "Nothing that exists is overwritten.\n"
                                 "\n"
                                 "Exit status: 0 good, 1 errors, 2 usage.\n";

static const char config_text[] =
    "# postern: the configuration. `postern config check --config postern.yaml` tells every "
    "error,\n"
    "# `postern config reference` every key. Names of files hang on the directory of this file.\n"
    "version: 1\n"
    "\n"
    "# Where requests come in. Plain HTTP is for loopback and unix sockets; for the network:\n"
    "#   - address: \":443\"\n"
    "#     tls: {certificates: [{cert: tls/cert.pem, key: tls/key.pem}]}\n"
    "#   - {address: \":80\", redirect: https, acme_dir: /var/lib/acme}\n"
    "# Behind nginx, Traefik or an ingress say whom to believe the client's address:\n"
    "#   front: {forwarded: {trusted: [127.0.0.1/32]}}\n"
    "listeners:\n"
    "  - {address: \"127.0.0.1:8080\", front: direct}\n"
    "\n"
    "# Where people sign in and see their apps. `origin` is what browsers type: with TLS on :443\n"
    "# leave it out, it is https://HOST then. `title` is your organisation, as the pages say it.\n"
    "portal:\n"
    "  host: access.postern.localhost\n"
    "  origin: \"http://access.postern.localhost:8080\"\n"
    "  title: Example Corp\n"
    "\n"
    "# Health, readiness and metrics. Keep it on loopback or a unix socket.\n"
    "admin: {address: \"127.0.0.1:8081\"}\n"
    "\n"
    "# Apps and rules, one file per app. Changes take effect by themselves once they pass their\n"
    "# tests; until then the last good set stays in force.\n"
    "policies: policies\n"
    "\n"
    "state: state\n"
    "\n"
    "# Who vouches for people and programs. `builtin` is postern itself, for people without an\n"
    "# identity provider: `postern user add` writes users.yaml. Beside or instead of it, any\n"
    "# OpenID provider: `issuer` is the claim `iss` byte for byte; keys are found by discovery, "
    "or\n"
    "# by `jwks_url` or `jwks_file`. With `client_id` people sign in there in their browser; the\n"
    "# redirect URI to register is ORIGIN/.postern/callback. Without it only its tokens count.\n"
    "issuers:\n"
    "  people: builtin\n"
    "#  corp:\n"
    "#    issuer: https://login.example.com\n"
    "#    client_id: postern\n"
    "#    client_secret_file: secrets/corp\n"
    "#    audience: postern-api   # of programs' bearer tokens; left out: none are taken\n"
    "#    mfa: {amr: [mfa, hwk, otp]}\n"
    "#    # it always sends `groups` to those who have any: then a token without means none\n"
    "#    absent_means_none: [groups]\n"
    "builtin: {users: users.yaml}\n"
    "\n"
    "# Tokens that belong to programs. All others are people.\n"
    "# services:\n"
    "#   ci-inventory: {issuer: corp, match: {sub: \"repo:corp/inventory:*\"}}\n"
    "\n"
    "# The access log: no record, no access.\n"
    "audit: {file: log/access.jsonl, sync: batch, on_error: refuse}\n"
    "\n"
    "log: {level: info, format: text}\n";

/* <+90d> becomes the date of so many days from now. */
static const char policy_text[] =
    "# yaml-language-server: $schema=./schema/policy.v1.json\n"
    "# A first app and its rule. Nobody gets in without a rule that says so: a deny and a require\n"
    "# can only take away. `postern policy test policies` runs the tests below.\n"
    "version: 1\n"
    "\n"
    "apps:\n"
    "  - name: inventory\n"
    "    title: Inventory\n"
    "    owner: it@example.com\n"
    "    host: inventory.postern.localhost\n"
    "    upstream: http://127.0.0.1:3000\n"
    "    identity: {headers: {X-WEBAUTH-USER: email}}\n"
    "\n"
    "rules:\n"
    "  - id: contractors-read-inventory\n"
    "    effect: allow\n"
    "    owner: it@example.com\n"
    "    who: {groups: [contractors]}\n"
    "    to: {apps: [inventory], methods: [GET, HEAD]}\n"
    "    expires: <+90d>  # the last day\n"
    "\n"
    "  - id: no-suspended\n"
    "    effect: deny\n"
    "    who: {groups: [suspended]}\n"
    "    to: everything\n"
    "\n"
    "tests:\n"
    "  - name: a contractor reads\n"
    "    as: {user: kim@acme.example, groups: [contractors]}\n"
    "    at: <+0d>T15:00:00+01:00\n"
    "    do: GET http://inventory.postern.localhost/dashboard\n"
    "    expect: allow\n"
    "\n"
    "  - name: a contractor does not write\n"
    "    like: a contractor reads\n"
    "    do: POST http://inventory.postern.localhost/api/stock\n"
    "    expect: deny default-deny\n"
    "\n"
    "  - name: a suspended contractor is out\n"
    "    like: a contractor reads\n"
    "    as: {user: kim@acme.example, groups: [contractors, suspended]}\n"
    "    expect: deny deny-rule\n"
    "\n"
    "  - name: without groups nobody is in\n"
    "    like: a contractor reads\n"
    "    as: {user: kim@acme.example, groups: []}\n"
    "    expect: deny default-deny\n";

static const char users_text[] =
    "# People who sign in at postern itself. `postern user add kim@acme.example --group "
    "contractors`\n"
    "# adds one and asks for the password; `postern user --help` tells the rest.\n"
    "version: 1\n"
    "users: {}\n";

/* In this order: a directory before what is in it. */
static const struct entry {
    const char *name;
    mode_t mode;
    const char *text; /* neither: a directory */
    void (*print)(FILE *);
} entries[] = {
    {"policies", 0755, NULL, NULL},
    {"policies/schema", 0755, NULL, NULL},
    {"state", 0700, NULL, NULL},
    {"state/keys", 0700, NULL, NULL},
    {"log", 0750, NULL, NULL},
    {"policies/schema/policy.v1.json", 0644, NULL, policy_schema_print},
    {"policies/inventory.yaml", 0644, policy_text, NULL},
    {"users.yaml", 0600, users_text, NULL},
    {"postern.yaml", 0644, config_text, NULL},
};

static int fail_on(const char *what, const char *dir, const char *name)
{
    fprintf(stderr, "postern init: cannot %s %s%s%s: %s\n", what, dir, *name ? "/" : "", name,
            strerror(errno));
    return EXIT_ERRORS;
}

static bool write_part(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, text, n);
        if (done < 0 && errno != EINTR)
            return false;
        text += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool write_whole(int fd, const char *text)
{
    for (const char *mark; (mark = strchr(text, '<'));) {
        char date[32], *end;
        time_t then = time(NULL) + strtol(mark + 1, &end, 10) * 24 * 3600;
        size_t n = strftime(date, sizeof date, "%F", gmtime(&then));
        if (!write_part(fd, text, (size_t)(mark - text)) || !write_part(fd, date, n))
            return false;
        text = end + strlen("d>");
    }
    return write_part(fd, text, strlen(text)) && fsync(fd) == 0;
}

/* Takes fd. */
static bool print_whole(int fd, void (*print)(FILE *))
{
    FILE *out = fdopen(fd, "w");
    if (!out) {
        close(fd);
        return false;
    }
    print(out);
    bool good = fflush(out) == 0 && fsync(fd) == 0;
    return fclose(out) == 0 && good;
}

static bool make(int dir_fd, const struct entry *e)
{
    /* the mode is set apart: the umask must neither widen nor narrow it */
    if (!e->text && !e->print)
        return mkdirat(dir_fd, e->name, e->mode) == 0 && fchmodat(dir_fd, e->name, e->mode, 0) == 0;
    int fd = openat(dir_fd, e->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, e->mode);
    if (fd < 0)
        return false;
    if (e->print)
        return print_whole(fd, e->print);
    bool good = write_whole(fd, e->text);
    return close(fd) == 0 && good;
}

static int fill(const char *dir, int dir_fd)
{
    size_t n = sizeof entries / sizeof *entries;
    for (size_t i = 0; i < n; i++)
        if (faccessat(dir_fd, entries[i].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            fprintf(stderr, "postern init: %s/%s exists already; nothing was written\n", dir,
                    entries[i].name);
            return EXIT_ERRORS;
        }
    for (size_t i = 0; i < n; i++)
        if (!make(dir_fd, &entries[i]))
            return fail_on("make", dir, entries[i].name);
    return EXIT_GOOD;
}

static void tell_next(const char *dir)
{
    printf("%s is made. Next:\n"
           "  1. postern user add kim@acme.example --group contractors --config %s/postern.yaml\n"
           "  2. put your app into %s/policies/inventory.yaml: its host, its upstream, who may\n"
           "  3. postern config check --config %s/postern.yaml\n"
           "     postern policy test %s/policies\n"
           "  4. postern run --config %s/postern.yaml\n"
           "  5. open http://access.postern.localhost:8080/ in a browser on this machine\n",
           dir, dir, dir, dir, dir, dir);
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, const char **dir)
{
    const struct option_row none[] = {{0}};
    const char *sentence = "one directory is needed";
    const char *wrong = option_read_one(none, argc, argv, sentence, sentence, dir);

    return wrong || **dir ? wrong : sentence;
}

int command_init(int argc, char **argv)
{
    const char *dir;
    const char *wrong = read_options(argc, argv, &dir);

    if (wrong)
        return usage_tell("init", wrong, usage_text);
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return fail_on("make", dir, "");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_on("open", dir, "");
    int code = fill(dir, fd);
    close(fd);
    if (code == EXIT_GOOD)
        tell_next(dir);
    return code;
}
