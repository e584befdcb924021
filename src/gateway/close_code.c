/* Why a tracker's connection ended, in flespi's numbers (`close_code` of the log events 102 and
 * 301). */
#include "gateway/gateway.h"

enum close_code {
    CLOSE_UNEXPECTED = -1,
    CLOSE_BY_DEVICE = 2,
    CLOSE_PROCESSED = 3,
    CLOSE_VIOLATION = 4,
    CLOSE_INTERNAL = 5,
    CLOSE_PARSING = 6,
    CLOSE_RESTART = 7,
    CLOSE_CHANGED = 9,
    CLOSE_REQUESTED = 10,
    CLOSE_COLLISION = 12,
    CLOSE_INACTIVE = 17,
    CLOSE_CHANNEL_BLOCKED = 21,
    CLOSE_DEVICE_DISABLED = 23,
};

static const struct {
    int err;
    enum close_code code;
} codes[] = {
    {ERR_CONN_EOF, CLOSE_BY_DEVICE},
    {ERR_CHANNEL_ENDED, CLOSE_PROCESSED},
    {ERR_CHANNEL_STOPPING, CLOSE_RESTART},
    {ERR_CHANNEL_CHANGED, CLOSE_CHANGED},
    {ERR_CHANNEL_DELETED, CLOSE_REQUESTED},
    {ERR_CHANNEL_IDENT_COLLISION, CLOSE_COLLISION},
    {ERR_CHANNEL_IDLE, CLOSE_INACTIVE},
    {ERR_CHANNEL_LOGIN_TIMEOUT, CLOSE_INACTIVE},
    {ERR_CHANNEL_DISABLED, CLOSE_CHANNEL_BLOCKED},
    {ERR_CHANNEL_CONNECTIONS_LIMIT, CLOSE_CHANNEL_BLOCKED},
    {ERR_CHANNEL_DEVICE_DISABLED, CLOSE_DEVICE_DISABLED},
};

int gateway_close_code(int err)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].err == err)
            return codes[i].code;
    }
    switch (err_class(err)) {
    case ERR_CLASS_INPUT:
        return CLOSE_PARSING;
    case ERR_CLASS_PROTOCOL:
    case ERR_CLASS_LIMIT:
        return CLOSE_VIOLATION;
    case ERR_CLASS_INTERNAL:
    case ERR_CLASS_STORE:
        return CLOSE_INTERNAL;
    default:
        return CLOSE_UNEXPECTED;
    }
}
