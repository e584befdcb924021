/* The error table and its counters. */
#include "base/err.h"

#include <stdatomic.h>

struct err_row {
    const char *name;
    const char *text;
    enum err_class class;
    uint8_t mqtt_reason;
    uint16_t http_status;
};

static const struct err_row rows[ERR_INDEX_COUNT_] = {
    [ERR_INDEX_NONE] = {"ERR_NONE", "no error", ERR_CLASS_NONE, 0x00, 200},
#define X(name_, class_, mqtt_reason_, http_status_, text_)                                        \
    [name_##_INDEX] = {#name_, text_, ERR_CLASS_##class_, mqtt_reason_, http_status_},
#include "base/errors/all.def"
#undef X
};

static const struct err_row unknown = {"ERR_UNKNOWN", "unknown error", ERR_CLASS_INTERNAL, 0x80,
                                       500};

/* Relaxed order suffices: counters are statistics, they order nothing. */
static atomic_uint_fast64_t counts[ERR_INDEX_COUNT_];

static const struct err_row *row_of(int err)
{
    return err <= 0 && -err < (int)ERR_INDEX_COUNT_ ? &rows[-err] : &unknown;
}

const char *err_name(int err)
{
    return row_of(err)->name;
}

const char *err_text(int err)
{
    return row_of(err)->text;
}

enum err_class err_class(int err)
{
    return row_of(err)->class;
}

uint8_t err_mqtt_reason(int err)
{
    return row_of(err)->mqtt_reason;
}

int err_http_status(int err)
{
    return row_of(err)->http_status;
}

int err_raise(int err)
{
    if (err < 0 && -err < (int)ERR_INDEX_COUNT_)
        atomic_fetch_add_explicit(&counts[-err], 1, memory_order_relaxed);
    return err;
}

uint64_t err_count(int err)
{
    if (err > 0 || -err >= (int)ERR_INDEX_COUNT_)
        return 0;
    return atomic_load_explicit(&counts[-err], memory_order_relaxed);
}
