/* PINGREQ and PINGRESP (MQTT 5.0 3.12, 3.13): a fixed header and nothing else. */
#include "mqtt/codec_internal.h"

int mqtt_decode_ping(const struct mqtt_frame *f)
{
    return f->body.n == 0 ? 0 : err_raise(ERR_MQTT_PING_BODY);
}

size_t mqtt_encode_ping(enum mqtt_type type, uint8_t *out)
{
    return (size_t)(mqtt_put_header(out, type, 0, 0) - out);
}
