/* command: one entry for each subcommand of `postern`. argv[0] is the subcommand's own name; the
 * result is the exit code: 0 good, 1 errors, 2 usage, 3 findings. Main thread. */
#ifndef PROXY_COMMAND_COMMAND_H
#define PROXY_COMMAND_COMMAND_H

enum { EXIT_GOOD = 0, EXIT_ERRORS = 1, EXIT_USAGE = 2, EXIT_FINDINGS = 3 };

int command_run(int argc, char **argv);
int command_policy(int argc, char **argv);
int command_token(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_config(int argc, char **argv);
int command_init(int argc, char **argv);
int command_session(int argc, char **argv);
int command_key(int argc, char **argv);
int command_user(int argc, char **argv);

#endif
