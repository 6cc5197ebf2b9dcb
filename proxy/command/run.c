/* postern run: the proxy itself. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/command/option.h"
#include "proxy/command/usage.h"
#include "proxy/server.h"

static const char HELP[] =
    "usage: postern run [--config FILE] [--shadow DIR]\n"
    "\n"
    "Runs the proxy in the foreground.\n"
    "\n"
    "  -c, --config FILE    the configuration (default: $POSTERN_CONFIG, or\n"
    "                       /etc/postern/postern.yaml)\n"
    "      --shadow DIR     decide each request by these policies too: what differs is\n"
    "                       recorded and counted, and changes nothing. A DIR that cannot\n"
    "                       be read ends the start\n"
    "      --zoneinfo DIR   time zones (default: /usr/share/zoneinfo)\n"
#ifdef POSTERN_BENCH
    "      --audit-sink null  drop all records, to measure what they cost\n"
#endif
    "  -h, --help           this text\n"
    "\n"
    "SIGHUP reads everything again, SIGTERM and SIGINT end it when all requests under\n"
    "way are answered. Exit code: 0, 1 when it could not start, 2 for wrong usage or\n"
    "when there is no configuration.\n";

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct server_options *o)
{
    const struct option_row rows[] = {{"config", .text = &o->config_path, .letter = 'c'},
                                      {"shadow", .text = &o->shadow_dir},
                                      {"zoneinfo", .text = &o->zoneinfo},
#ifdef POSTERN_BENCH
                                      {"audit-sink", .text = &o->audit_sink},
#endif
                                      {0}};

    return option_read_alone(rows, argc, argv,
                             "too many arguments: the file is given with --config");
}

int command_run(int argc, char **argv)
{
    struct server_options o = {.config_path = config_default_path()};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("run", wrong, HELP);
    if (access(o.config_path, F_OK) != 0) {
        fprintf(stderr,
                "postern: there is no configuration at %s\n"
                "Make one with:  postern init DIR\n"
                "then run:       postern run --config DIR/postern.yaml\n",
                o.config_path);
        return EXIT_USAGE;
    }
    return server_run(&o) == 0 ? EXIT_GOOD : EXIT_ERRORS;
}
