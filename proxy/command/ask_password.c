/* ask_password: see ask_password.h. It is never an argument: those are seen by everybody. */
#include "proxy/command/ask_password.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

enum { ROOM = PASSWORD_MAX_BYTES + 2 };

static bool told(const char *text)
{
    fprintf(stderr, "postern user: %s\n", text);
    return false;
}

/* One line without its end; false when there is none, or it is too long. With `mask`, those signals
 * are let through while it waits, and end it. */
static bool read_line(int fd, const sigset_t *mask, char *out, size_t *n_out)
{
    size_t n = 0;

    for (;;) {
        char c;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (mask && ppoll(&ready, 1, NULL, mask) < 0)
            return false; /* whoever presses Ctrl-C means it */
        ssize_t got = read(fd, &c, 1);
        if (got < 0 || (got == 0 && n == 0))
            return false;
        if (got == 0 || c == '\n')
            break;
        if (n == ROOM)
            return false;
        out[n++] = c;
    }
    *n_out = n && out[n - 1] == '\r' ? n - 1 : n;
    return true;
}

static void on_signal(int signum)
{
    (void)signum; /* that it came ends the wait */
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

/* The signals are held back but for the wait itself, so that none comes just before it and is
 * missed; the terminal shows again what is typed, whatever ends it. */
static bool read_unseen(int fd, const char *prompt, char *out, size_t *n_out)
{
    struct sigaction mine = {.sa_handler = on_signal}, old[N_SIGNALS];
    struct termios before, now;
    sigset_t held, mask;

    if (tcgetattr(fd, &before) != 0)
        return false;
    now = before;
    now.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    sigemptyset(&held);
    for (size_t i = 0; i < N_SIGNALS; i++) {
        sigaddset(&held, signals[i]);
        sigaction(signals[i], &mine, &old[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &mask);
    tcsetattr(fd, TCSAFLUSH, &now);
    bool is_good = write(fd, prompt, strlen(prompt)) >= 0 && read_line(fd, &mask, out, n_out);
    tcsetattr(fd, TCSAFLUSH, &before);
    is_good = write(fd, "\n", 1) >= 0 && is_good;
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &old[i], NULL);
    return is_good;
}

static bool ask_twice(const char *email, char *out, size_t *n_out)
{
    char prompt[400], again[ROOM];
    size_t n_again = 0;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return told("there is no terminal to ask for the password; give --password-stdin or --pin");
    snprintf(prompt, sizeof prompt, "New password for %.254s (at least %d characters): ", email,
             PASSWORD_MIN_CHARS);
    bool is_good =
        read_unseen(fd, prompt, out, n_out) && read_unseen(fd, "The same again: ", again, &n_again);
    close(fd);
    bool is_same = is_good && secret_eq((str){out, *n_out}, (str){again, n_again});
    secret_wipe(again, sizeof again);
    if (!is_good)
        return told("no password was given");
    return is_same || told("the two passwords are not the same");
}

bool ask_password_hash(const char *email, bool from_stdin, char out[PASSWORD_HASH_MAX])
{
    char password[ROOM];
    size_t n = 0;
    struct fail fail = {0};
    bool is_good = from_stdin ? read_line(STDIN_FILENO, NULL, password, &n) ||
                                    told("there is no password on standard input")
                              : ask_twice(email, password, &n);

    if (is_good && !password_hash((str){password, n}, out, &fail))
        is_good = told(fail.text);
    secret_wipe(password, sizeof password);
    return is_good;
}
