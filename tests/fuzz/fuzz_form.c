/* Any bytes as a form: it is refused or read, and what was read says the same when it is written
 * again. */
#include "fuzz.h"

#include <stdlib.h>

#include "proxy/portal/form.h"

static str write_again(struct arena *a, const struct form *f)
{
    str out = STR("");
    for (size_t i = 0; i < f->n; i++)
        out = arena_printf(a, "%.*s%s%.*s=%.*s", STR_ARG(out), i ? "&" : "",
                           STR_ARG(form_escape(a, f->fields[i].name)),
                           STR_ARG(form_escape(a, f->fields[i].value)));
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct form f, again;
    arena_init(&a, NULL, 0);
    if (size <= 64 * 1024 && form_read(&a, (str){(const char *)data, size}, &f)) {
        if (f.n > FORM_FIELDS_MAX || !form_read(&a, write_again(&a, &f), &again) || again.n != f.n)
            abort();
        for (size_t i = 0; i < f.n; i++)
            if (!str_eq(f.fields[i].name, again.fields[i].name) ||
                !str_eq(f.fields[i].value, form_get(&f, f.fields[i].name)))
                abort();
    }
    arena_finish(&a);
    return 0;
}
