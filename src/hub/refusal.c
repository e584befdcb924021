/* Why the hub refused: an error, the field, a sentence. Knows nothing of HTTP. */
#include "hub/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int hub_refuse(struct hub_refusal *why, int err, const char *field)
{
    why->err = err;
    (void)snprintf(why->field, sizeof(why->field), "%s", field ? field : "");
    (void)snprintf(why->reason, sizeof(why->reason), "%s", err_text(err));
    return err_raise(err);
}

int hub_refuse_because(struct hub_refusal *why, int err, const char *field, const char *format, ...)
{
    va_list arguments;
    (void)hub_refuse(why, err, field);
    va_start(arguments, format);
    (void)vsnprintf(why->reason, sizeof(why->reason), format, arguments);
    va_end(arguments);
    return err;
}
