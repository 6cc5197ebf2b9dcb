/* mail_probe: what proxy/notify.c sends with a configuration, without the rest of postern.
 *
 *     mail_probe POSTERN.YAML (mail ADDRESS | channel NAME) SUBJECT SECONDS < TEXT
 *
 * Ends when nothing is queued any more or the seconds are over; prints how many were sent, failed
 * and are queued still. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/notify.h"

static struct notify *start(struct loop *loop, const char *path)
{
    const struct config *config = NULL;
    struct findings f;

    findings_init(&f);
    if (config_open(path, &config, &f) != CONFIG_GOOD) {
        findings_print(&f, stderr);
        exit(2);
    }
    findings_finish(&f);
    struct notify *n = notify_create(loop);
    notify_configure(n, config);
    config_unref(&config);
    return n;
}

static bool is_over;

static void on_end(struct deadline *d)
{
    is_over = true;
}

int main(int argc, char **argv)
{
    static char text[MAIL_TEXT_MAX + 2];
    struct notify_counts c = {0};

    if (argc != 6)
        return 2;
    size_t n = fread(text, 1, sizeof text, stdin);
    struct loop *loop = loop_create(NULL);
    struct notify *notify = start(loop, argv[1]);
    bool is_queued = (strcmp(argv[2], "mail") == 0 ? notify_mail : notify_channel)(
        notify, str_of(argv[3]), str_of(argv[4]), (str){text, n});
    struct deadline end;
    deadline_init(&end, on_end);
    deadline_set(loop, &end, atoi(argv[5]) * 1000);
    for (notify_counts(notify, &c); c.queued && !is_over; notify_counts(notify, &c))
        loop_turn(loop, true);
    printf("%s sent=%d failed=%d queued=%d\n", is_queued ? "queued" : "refused", (int)c.sent,
           (int)c.failed, (int)c.queued);
    deadline_clear(loop, &end);
    notify_destroy(notify);
    loop_destroy(loop);
    return 0;
}
