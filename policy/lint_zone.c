/* lint_zone: hours and dates in UTC because a file names no time zone, in a set whose other files
 * do. defaults: holds for its own file alone, which is easily forgotten. */
#include "policy/lint.h"

#include "policy/scalar.h"

static const struct doc_node *zone_of(const struct load_file *file)
{
    return doc_get(doc_get(file->root, "defaults"), "timezone");
}

/* A file that names a zone where the clock shows something else than UTC. */
static const struct load_file *file_with_zone(const struct load *l)
{
    for (size_t i = 0; i < l->n_files; i++)
        if (zone_of(&l->files[i]) && l->files[i].zone != zone_utc())
            return &l->files[i];
    return NULL;
}

static void warn(struct load *l, const struct doc_node *node, const char *what,
                 const struct load_file *other)
{
    str zone = zone_of(other)->text;

    doc_warn(l->f, node, "utc-by-default",
             arena_printf(l->a,
                          "write defaults: {timezone: %.*s} in this file too, or UTC if that is "
                          "meant",
                          STR_ARG(zone))
                 .p,
             "%s a time zone (%.*s has %.*s)", what, STR_ARG(other->file.name), STR_ARG(zone));
}

static const struct doc_node *hours_in(const struct doc_node *schedule)
{
    return doc_get(schedule, "timezone") ? NULL : doc_get(schedule, "hours");
}

static const struct doc_node *hours_of_defines(const struct doc_node *schedules)
{
    const struct doc_node *found = NULL;

    for (size_t i = 0; schedules && i < schedules->n && !found; i++)
        found = hours_in(schedules->items[i]);
    return found;
}

static const struct doc_node *hours_of_rule(const struct doc_node *rule)
{
    const struct doc_node *when = doc_get(rule, "when"), *found = NULL;

    for (size_t i = 0; i < load_count(when) && !found; i++)
        found = hours_in(load_item(when, i));
    return found;
}

static const struct doc_node *date_of_rule(const struct doc_node *rule)
{
    static const char *const keys[] = {"starts", "expires"};

    for (size_t k = 0; k < 2; k++) {
        const struct doc_node *node = doc_get(rule, keys[k]);
        int32_t day;
        if (node && scalar_date(node->text, &day))
            return node;
    }
    return NULL;
}

/* The first of each kind: one line at the top of the file mends them all. */
static void lint_file(struct load *l, const struct load_file *file, const struct load_file *other)
{
    const struct doc_node *rules = doc_get(file->root, "rules"), *date = NULL;
    const struct doc_node *hours =
        hours_of_defines(doc_get(doc_get(file->root, "define"), "schedules"));

    for (size_t i = 0; i < load_count(rules); i++) {
        hours = hours ? hours : hours_of_rule(load_item(rules, i));
        date = date ? date : date_of_rule(load_item(rules, i));
    }
    if (hours)
        warn(l, hours, "these hours are UTC: neither the schedule nor this file names", other);
    if (date)
        warn(l, date, "this date begins and ends in UTC: this file does not name", other);
}

void lint_zones(struct load *l)
{
    const struct load_file *other = file_with_zone(l);

    for (size_t i = 0; other && i < l->n_files; i++)
        if (!zone_of(&l->files[i]))
            lint_file(l, &l->files[i], other);
}
