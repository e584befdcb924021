/* Writes DISCONNECT and AUTH (MQTT 5.0 3.14, 3.15), in the shortest form that says the same. In 3.x
 * DISCONNECT has no body; AUTH is not there, and the caller does not ask for it. */
#include "mqtt/codec_internal.h"

#define IN_THESE (IN_DISCONNECT | IN_DISCONNECT_BY_SERVER | IN_AUTH)

static size_t disconnect_body(const struct mqtt_disconnect *p, enum mqtt_version v,
                              size_t properties)
{
    if (v != MQTT_5_0 || (p->reason == MQTT_SUCCESS && properties == 0))
        return 0;
    return properties == 0 ? 1 : 1 + mqtt_block_size(properties);
}

size_t mqtt_size_disconnect(const struct mqtt_disconnect *p, enum mqtt_version v)
{
    size_t properties = mqtt_properties_size(&p->properties, IN_THESE);
    return mqtt_packet_size(disconnect_body(p, v, properties));
}

size_t mqtt_encode_disconnect(enum mqtt_type type, const struct mqtt_disconnect *p,
                              enum mqtt_version v, uint8_t *out)
{
    size_t properties = mqtt_properties_size(&p->properties, IN_THESE);
    size_t body = disconnect_body(p, v, properties);
    uint8_t *at = mqtt_put_header(out, type, 0, body);
    if (body > 0)
        at = mqtt_put_u8(at, p->reason);
    if (body > 1)
        at = mqtt_put_block(at, &p->properties, IN_THESE);
    return (size_t)(at - out);
}
