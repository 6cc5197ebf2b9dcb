/* The tables of schema.h as JSON Schema for editors, and as the Markdown reference for people. */
#include "base/schema.h"

#include "base/jout.h"

static void print_json_str(const char *s, FILE *out)
{
    char buf[2048];
    struct jout j;
    jout_init(&j, buf, sizeof buf);
    jout_str(&j, str_of(s));
    fwrite(buf, 1, j.n, out);
}

static void print_type(const struct schema_type *type, const struct schema_field *field, FILE *out);

static void print_scalar(const struct schema_type *type, FILE *out)
{
    fprintf(out, "\"type\":%s", type->json ? type->json : "\"string\"");
    if (type->pattern) {
        fputs(",\"pattern\":", out);
        print_json_str(type->pattern, out);
    }
    if (type->check == schema_text.check)
        fputs(",\"minLength\":1", out);
    if (type->choices) {
        fputs(",\"enum\":[", out);
        for (const char *const *c = type->choices; *c; c++) {
            fputs(c == type->choices ? "" : ",", out);
            print_json_str(*c, out);
        }
        fputs("]", out);
    }
}

static void print_map(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"object\",\"additionalProperties\":false,\"properties\":{", out);
    for (const struct schema_field *field = type->fields; field->name; field++) {
        fputs(field == type->fields ? "" : ",", out);
        print_json_str(field->name, out);
        fputs(":", out);
        print_type(field->type, field, out);
    }
    fputs("}", out);
    const char *sep = ",\"required\":[";
    for (const struct schema_field *field = type->fields; field->name; field++)
        if (field->required) {
            fputs(sep, out);
            print_json_str(field->name, out);
            sep = ",";
        }
    if (*sep == ',' && sep[1] == '\0')
        fputs("]", out);
    if (!type->may_be_empty)
        fputs(",\"minProperties\":1", out);
}

static void print_list(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"array\",\"items\":", out);
    print_type(type->item, NULL, out);
    if (!type->may_be_empty)
        fputs(",\"minItems\":1", out);
}

static void print_dict(const struct schema_type *type, FILE *out)
{
    fputs("\"type\":\"object\",\"additionalProperties\":", out);
    print_type(type->item, NULL, out);
    if (!type->may_be_empty)
        fputs(",\"minProperties\":1", out);
}

/* Mappings first: an editor tells what is wrong by the first alternative, and of a mapping with a
 * misspelt key "must be a text" is no help. */
static void print_either(const struct schema_type *type, FILE *out)
{
    const char *sep = "";

    fputs("\"anyOf\":[", out);
    for (int is_second = 0; is_second < 2; is_second++)
        for (const struct schema_type *const *t = type->alternatives; *t; t++) {
            if (((*t)->kind == SCHEMA_MAP) == is_second)
                continue;
            fputs(sep, out);
            print_type(*t, NULL, out);
            sep = ",";
        }
    fputs("]", out);
}

static void print_one_or_list(const struct schema_type *type, FILE *out)
{
    fputs("\"anyOf\":[", out);
    print_type(type->item, NULL, out);
    fputs(",{", out);
    print_list(type, out);
    fputs("}]", out);
}

/* Texts in quotes; numbers and booleans, where the type has them, without. */
static void print_default(const struct schema_type *type, const char *fallback, FILE *out)
{
    bool is_number = fallback[strspn(fallback, "0123456789")] == '\0';

    if (type->kind != SCHEMA_SCALAR)
        return;
    fputs(",\"default\":", out);
    if (type->json &&
        (strstr(type->json, "boolean") || (is_number && strstr(type->json, "integer"))))
        fputs(fallback, out);
    else
        print_json_str(fallback, out);
}

static void print_type(const struct schema_type *type, const struct schema_field *field, FILE *out)
{
    const char *doc = field && field->doc ? field->doc : type->doc;
    static void (*const print[])(const struct schema_type *, FILE *) = {
        [SCHEMA_SCALAR] = print_scalar,
        [SCHEMA_LIST] = print_list,
        [SCHEMA_ONE_OR_LIST] = print_one_or_list,
        [SCHEMA_MAP] = print_map,
        [SCHEMA_DICT] = print_dict,
        [SCHEMA_EITHER] = print_either,
    };
    fputs("{", out);
    if (type->kind != SCHEMA_ANY)
        print[type->kind](type, out);
    if (field && field->fallback)
        print_default(type, field->fallback, out);
    if (doc) {
        fputs(type->kind == SCHEMA_ANY ? "\"description\":" : ",\"description\":", out);
        print_json_str(doc, out);
    }
    fputs("}", out);
}

void schema_print_json(const struct schema_type *type, const char *id, const char *title, FILE *out)
{
    fputs("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":", out);
    print_json_str(id, out);
    fputs(",\"title\":", out);
    print_json_str(title, out);
    fputs(",", out);
    if (type->kind == SCHEMA_MAP)
        print_map(type, out);
    fputs("}\n", out);
}

static const struct schema_type *inner_map(const struct schema_type *type)
{
    while (type->kind == SCHEMA_LIST || type->kind == SCHEMA_ONE_OR_LIST ||
           type->kind == SCHEMA_DICT)
        type = type->item;
    if (type->kind == SCHEMA_EITHER)
        for (const struct schema_type *const *t = type->alternatives; *t; t++)
            if ((*t)->kind == SCHEMA_MAP)
                return *t;
    return type->kind == SCHEMA_MAP ? type : NULL;
}

static void print_section(const struct schema_type *type, const char *path, int level, FILE *out)
{
    fprintf(out, "\n%.*s %s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n",
            level, "######", path);
    for (const struct schema_field *field = type->fields; field->name; field++)
        fprintf(out, "| `%s`%s | %s | %s | %s |\n", field->name,
                field->required ? " (required)" : "", schema_name(field->type),
                field->fallback ? field->fallback : "", field->doc ? field->doc : "");
    for (const struct schema_field *field = type->fields; field->name; field++) {
        const struct schema_type *below = inner_map(field->type);
        char deeper[256];
        if (!below)
            continue;
        snprintf(deeper, sizeof deeper, "%s%s%s", level > 1 ? path : "", level > 1 ? "." : "",
                 field->name);
        print_section(below, deeper, level < 4 ? level + 1 : level, out);
    }
}

void schema_print_markdown(const struct schema_type *type, const char *title, FILE *out)
{
    print_section(type, title, 1, out);
}
