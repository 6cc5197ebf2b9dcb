/* postern run: the proxy itself. */
#include "proxy/command/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/server.h"

static const char HELP[] =
    "usage: postern run [--config FILE] [--shadow DIR]\n"
    "\n"
    "Runs the proxy in the foreground.\n"
    "\n"
    "  -c, --config FILE    the configuration (default: $POSTERN_CONFIG, or\n"
    "                       /etc/postern/postern.yaml)\n"
    "      --shadow DIR     decide each request by these policies too: what differs is\n"
    "                       recorded and counted, and changes nothing\n"
    "      --zoneinfo DIR   time zones (default: /usr/share/zoneinfo)\n"
#ifdef POSTERN_BENCH
    "      --audit-sink null  drop all records, to measure what they cost\n"
#endif
    "  -h, --help           this text\n"
    "\n"
    "SIGHUP reads everything again, SIGTERM and SIGINT end it when all requests under\n"
    "way are answered. Exit code: 0, 1 when it could not start, 2 for wrong usage or\n"
    "when there is no configuration.\n";

enum { OPT_ZONEINFO = 256, OPT_SHADOW, OPT_SINK };

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, 'c'},
    {"shadow", required_argument, NULL, OPT_SHADOW},
    {"zoneinfo", required_argument, NULL, OPT_ZONEINFO},
#ifdef POSTERN_BENCH
    {"audit-sink", required_argument, NULL, OPT_SINK},
#endif
    {"help", no_argument, NULL, 'h'},
    {0},
};

int command_run(int argc, char **argv)
{
    struct server_options o = {.config_path = config_default_path()};
    for (int c; (c = getopt_long(argc, argv, "c:h", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 'c':
            o.config_path = optarg;
            break;
        case OPT_SHADOW:
            o.shadow_dir = optarg;
            break;
        case OPT_ZONEINFO:
            o.zoneinfo = optarg;
            break;
        case OPT_SINK:
            o.audit_sink = optarg;
            break;
        case 'h':
            fputs(HELP, stdout);
            return EXIT_GOOD;
        default:
            fputs("try: postern run --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "postern run: unexpected argument \"%s\"\ntry: postern run --help\n",
                argv[optind]);
        return EXIT_USAGE;
    }
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
