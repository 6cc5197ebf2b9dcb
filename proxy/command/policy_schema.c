/* postern policy schema. */
#include <stdio.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy schema [options]\n"
    "\n"
    "Prints the JSON Schema (draft-07) of a policy file, made from the tables that load it. An\n"
    "editor that speaks YAML follows it when a file begins with\n"
    "\n"
    "  # yaml-language-server: $schema=./schema/policy.v1.json\n"
    "\n"
    "  --format json  what it prints anyway\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage.\n";

int policy_schema_command(int argc, char **argv)
{
    bool is_json;
    const struct option_row rows[] = {{"format", .is_json = &is_json}, {0}};
    const char *wrong = option_read_alone(rows, argc, argv, "too many arguments");

    if (wrong)
        return usage_tell("policy schema", wrong, usage_text);
    policy_schema_print(stdout);
    return EXIT_GOOD;
}
