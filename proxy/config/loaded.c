/* loaded: see loaded.h. The commit is read from .git by hand: no program is started for it. */
#include "proxy/config/loaded.h"

#include <stdio.h>

#include "proxy/config/disk.h"

#include "base/encode.h"

enum { GIT_LEVELS = 8, GIT_FILE_MAX_BYTES = 1 << 20 };

static const struct policy_file *find_file(const struct snapshot *s, str name)
{
    for (size_t i = 0; s && i < s->n_policy_files; i++)
        if (str_eq(s->policy_files[i].name, name))
            return &s->policy_files[i];
    return NULL;
}

static void write_file(struct jout *j, const struct policy_file *file)
{
    jout_open(j, '{');
    jout_kstr(j, STR("name"), file->name);
    jout_kstr(j, STR("digest"), str_of(file->digest));
    jout_kint(j, STR("owner"), file->uid);
    jout_ktime(j, STR("modified"), file->modified_s * 1000000);
    jout_close(j, '}');
}

static size_t write_changed(struct jout *j, const struct snapshot *now,
                            const struct snapshot *before)
{
    size_t n = 0;
    jout_key(j, STR("files"));
    jout_open(j, '[');
    for (size_t i = 0; i < now->n_policy_files; i++) {
        const struct policy_file *file = &now->policy_files[i];
        const struct policy_file *old = find_file(before, file->name);
        if (old && strcmp(old->digest, file->digest) == 0)
            continue;
        if (n++ < LOADED_MAX_FILES)
            write_file(j, file);
    }
    jout_close(j, ']');
    return n;
}

static size_t write_removed(struct jout *j, const struct snapshot *now,
                            const struct snapshot *before)
{
    size_t n = 0;
    jout_key(j, STR("removed"));
    jout_open(j, '[');
    for (size_t i = 0; before && i < before->n_policy_files; i++)
        if (!find_file(now, before->policy_files[i].name) && n++ < LOADED_MAX_FILES)
            jout_str(j, before->policy_files[i].name);
    jout_close(j, ']');
    return n;
}

void loaded_write(struct jout *j, const struct snapshot *now, const struct snapshot *before,
                  const char *trigger)
{
    char commit[LOADED_COMMIT_CHARS + 1];
    jout_key(j, STR("policy"));
    jout_open(j, '{');
    jout_kstr(j, STR("digest"), str_of(now->policy_digest));
    jout_kint(j, STR("generation"), (int64_t)now->policy_generation);
    jout_close(j, '}');
    jout_kstr(j, STR("trigger"), str_of(trigger));
    size_t n = write_changed(j, now, before);
    n += write_removed(j, now, before);
    jout_kint(j, STR("changed_total"), (int64_t)n);
    if (loaded_commit(now->config->policies_dir.p, commit))
        jout_kstr(j, STR("commit"), str_of(commit));
}

/* ---- git ---- */

static bool take_commit(str text, char out[LOADED_COMMIT_CHARS + 1])
{
    unsigned char raw[LOADED_COMMIT_CHARS / 2];
    str s = str_trim(text, " \r\n");
    if ((s.n != 40 && s.n != 64) || !hex_decode(s, raw))
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static bool read_packed(const char *git, str ref, struct arena *a, char *out)
{
    str text, path = arena_printf(a, "%s/packed-refs", git);
    if (!disk_read(path.p, GIT_FILE_MAX_BYTES, a, &text, NULL))
        return false;
    while (text.p) {
        str line = str_cut(&text, '\n');
        size_t space = str_find(line, ' ');
        if (str_eq(str_from(line, space + 1), ref))
            return take_commit(str_upto(line, space), out);
    }
    return false;
}

static bool read_head(const char *git, struct arena *a, char *out)
{
    str head, text, prefix = STR("ref: ");
    if (!disk_read(arena_printf(a, "%s/HEAD", git).p, GIT_FILE_MAX_BYTES, a, &head, NULL))
        return false;
    head = str_trim(head, " \r\n");
    if (!str_starts(head, prefix))
        return take_commit(head, out);
    str ref = str_from(head, prefix.n);
    if (str_contains(ref, STR("..")))
        return false;
    str path = arena_printf(a, "%s/%.*s", git, STR_ARG(ref));
    return disk_read(path.p, GIT_FILE_MAX_BYTES, a, &text, NULL) ? take_commit(text, out)
                                                                 : read_packed(git, ref, a, out);
}

bool loaded_commit(const char *dir, char out[LOADED_COMMIT_CHARS + 1])
{
    struct arena a;
    bool is_found = false;
    arena_init(&a, NULL, 0);
    str up = str_of(dir);
    for (int i = 0; !is_found && i < GIT_LEVELS && up.n > 0; i++) {
        is_found = read_head(arena_printf(&a, "%.*s/.git", STR_ARG(up)).p, &a, out);
        up = str_upto(up, str_rfind(up, '/') < up.n ? str_rfind(up, '/') : 0);
    }
    arena_finish(&a);
    return is_found;
}
