/* The member `device` of a record (audit.md section 1): which device it was, by what, and each fact
 * with its source and age, enough to decide again. */
#include "proxy/gate/posture.h"

#include "base/encode.h"

enum {
    FIXED_ROOM = 512, /* id, how it is known, the certificate */
    FACT_ROOM = 64,   /* names of members and an age */
};

static size_t room_for(const struct visit *v)
{
    size_t n = FIXED_ROOM + jout_escaped_len(v->device_id);
    for (size_t d = 0; d < v->n_devices; d++)
        for (size_t i = 0; i < v->devices[d].n_facts; i++) {
            const struct policy_device_fact *f = &v->devices[d].facts[i];
            n += FACT_ROOM + jout_escaped_len(f->attribute) + jout_escaped_len(f->value.text) +
                 jout_escaped_len(f->source);
        }
    return n;
}

static void write_fact(struct jout *out, const struct policy_device_fact *f, int64_t now_s)
{
    jout_open(out, '{');
    jout_kstr(out, STR("name"), f->attribute);
    jout_key(out, STR("value"));
    if (f->value.kind == POLICY_VALUE_NUMBER || f->value.kind == POLICY_VALUE_BOOL)
        jout_raw(out, f->value.text);
    else
        jout_str(out, f->value.text);
    jout_kstr(out, STR("source"), f->source);
    jout_kint(out, STR("age"), now_s - f->seen_s);
    if (f->is_hint)
        jout_kbool(out, STR("hint"), true);
    jout_close(out, '}');
}

static void write_certificate(struct jout *out, const struct gate_cert *c)
{
    char hex[2 * sizeof c->cert.fingerprint];
    if (!c || c->verdict == CERT_NONE)
        return;
    jout_key(out, STR("certificate"));
    jout_open(out, '{');
    jout_kplain(out, STR("verdict"), str_of(cert_verdict_code(c->verdict)));
    if (c->cert.serial.p) {
        hex_encode(c->cert.fingerprint, sizeof c->cert.fingerprint, hex);
        jout_kplain(out, STR("serial"), c->cert.serial);
        jout_kplain(out, STR("sha256"), (str){hex, sizeof hex});
    }
    jout_close(out, '}');
}

str posture_record(const struct visit *v, struct arena *a, int64_t now_s)
{
    size_t cap = room_for(v);
    struct jout out;
    jout_init(&out, arena_text(a, cap), cap);
    jout_key(&out, STR("device"));
    jout_open(&out, '{');
    if (v->device_id.p) {
        jout_kstr(&out, STR("id"), v->device_id);
        jout_kplain(&out, STR("by"), str_of(v->device_by));
    }
    write_certificate(&out, v->request.cert);
    if (v->device_cause)
        jout_kplain(&out, STR("refused"), str_of(v->device_cause));
    jout_key(&out, STR("facts"));
    jout_open(&out, '[');
    for (size_t d = 0; d < v->n_devices; d++)
        for (size_t i = 0; i < v->devices[d].n_facts; i++)
            write_fact(&out, &v->devices[d].facts[i], now_s);
    jout_close(&out, ']');
    jout_close(&out, '}');
    return out.overflow ? STR("\"device\":null") : jout_text(&out);
}
