/* The text format of Prometheus. */
#include "rest/exposition.h"

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
    e->family = name;
    buf_addf(e->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_sample(struct exposition *e, const char *suffix)
{
    e->has_labels = false;
    buf_add_str(e->out, e->family);
    buf_add_str(e->out, suffix);
}

static void add_escaped(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        uint8_t c = value.p[i];
        if (c == '\n') {
            buf_add_str(out, "\\n");
            continue;
        }
        if (c == '"' || c == '\\')
            buf_add_u8(out, '\\');
        buf_add_u8(out, c);
    }
}

void exposition_label(struct exposition *e, const char *name, struct span value)
{
    buf_addf(e->out, "%c%s=\"", e->has_labels ? ',' : '{', name);
    e->has_labels = true;
    add_escaped(e->out, value);
    buf_add_u8(e->out, '"');
}

static void end_labels(struct exposition *e)
{
    buf_add_str(e->out, e->has_labels ? "} " : " ");
}

void exposition_value(struct exposition *e, uint64_t value)
{
    end_labels(e);
    buf_addf(e->out, "%llu\n", (unsigned long long)value);
}

void exposition_seconds(struct exposition *e, int64_t us)
{
    int64_t positive = us > 0 ? us : 0;
    end_labels(e);
    buf_addf(e->out, "%lld.%06lld\n", (long long)(positive / 1000000),
             (long long)(positive % 1000000));
}

void exposition_one(struct exposition *e, const char *name, const char *type, const char *help,
                    uint64_t value)
{
    exposition_family(e, name, type, help);
    exposition_sample(e, "");
    exposition_value(e, value);
}
