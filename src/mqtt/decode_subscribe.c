/* SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0 3.8, 3.10). The list of filters is checked once, whole, and
 * then walked by the broker without copying it. Filters are not judged here beyond their bytes: a
 * bad filter costs its own reason code, not the connection.
 *
 *     SUBSCRIBE    | packet id:2 | properties (5.0) | filter | options:1 | ...
 *     UNSUBSCRIBE  | packet id:2 | properties (5.0) | filter | ...
 *
 *     options      | 0:2 | retain handling:2 | retain as published:1 | no local:1 | QoS:2 |
 *     before 5.0   | 0:6                                                          | QoS:2 |
 */
#include "mqtt/codec_internal.h"

#include "base/utf8.h"

#define FLAG_DUP 8u

enum option {
    OPTION_QOS = 0x03,
    OPTION_NO_LOCAL = 0x04,
    OPTION_RETAIN_AS_PUBLISHED = 0x08,
    OPTION_RETAIN_HANDLING = 0x30,
    OPTION_RESERVED = 0xC0,
    OPTION_RESERVED_3 = 0xFC,
};
#define RETAIN_HANDLING_SHIFT 4

static int check_subscription(struct span filter, uint8_t options, enum mqtt_version v)
{
    if (!utf8_is_valid_mqtt(filter))
        return err_raise(ERR_MQTT_SUBSCRIBE_UTF8);
    if (options & (v == MQTT_5_0 ? OPTION_RESERVED : OPTION_RESERVED_3))
        return err_raise(ERR_MQTT_SUBSCRIBE_OPTIONS);
    if ((options & OPTION_QOS) == OPTION_QOS)
        return err_raise(ERR_MQTT_SUBSCRIBE_QOS);
    if ((options & OPTION_RETAIN_HANDLING) == OPTION_RETAIN_HANDLING)
        return err_raise(ERR_MQTT_SUBSCRIBE_RETAIN_HANDLING);
    if (options & OPTION_NO_LOCAL && span_starts(filter, SPAN_LIT("$share/")))
        return err_raise(ERR_MQTT_SUBSCRIBE_NO_LOCAL);
    return 0;
}

int mqtt_decode_subscribe(const struct mqtt_frame *f, enum mqtt_version v,
                          struct mqtt_subscribe *ret)
{
    if (f->flags & FLAG_DUP && v != MQTT_3_1)
        return err_raise(ERR_MQTT_SUBSCRIBE_FLAGS);
    struct reader r = reader_of(f->body);
    ret->packet_id = rd_u16be(&r);
    mqtt_properties_none(&ret->properties);
    if (r.is_failed)
        return err_raise(ERR_MQTT_SUBSCRIBE_SHORT);
    if (ret->packet_id == 0)
        return err_raise(ERR_MQTT_SUBSCRIBE_ID);
    int err = v == MQTT_5_0 ? mqtt_properties_decode(&r, IN_SUBSCRIBE, &ret->properties) : 0;
    if (err < 0)
        return err;
    ret->filters = mqtt_rest_read(&r);
    ret->count = 0;
    for (r = reader_of(ret->filters); rd_left(&r) > 0; ret->count++) {
        struct span filter = mqtt_string_read(&r);
        uint8_t options = rd_u8(&r);
        if (r.is_failed)
            return err_raise(ERR_MQTT_SUBSCRIBE_SHORT);
        err = check_subscription(filter, options, v);
        if (err < 0)
            return err;
    }
    return ret->count ? 0 : err_raise(ERR_MQTT_SUBSCRIBE_EMPTY);
}

int mqtt_decode_unsubscribe(const struct mqtt_frame *f, enum mqtt_version v,
                            struct mqtt_unsubscribe *ret)
{
    if (f->flags & FLAG_DUP && v != MQTT_3_1)
        return err_raise(ERR_MQTT_UNSUBSCRIBE_FLAGS);
    struct reader r = reader_of(f->body);
    ret->packet_id = rd_u16be(&r);
    mqtt_properties_none(&ret->properties);
    if (r.is_failed)
        return err_raise(ERR_MQTT_UNSUBSCRIBE_SHORT);
    if (ret->packet_id == 0)
        return err_raise(ERR_MQTT_UNSUBSCRIBE_ID);
    int err = v == MQTT_5_0 ? mqtt_properties_decode(&r, IN_UNSUBSCRIBE, &ret->properties) : 0;
    if (err < 0)
        return err;
    ret->filters = mqtt_rest_read(&r);
    ret->count = 0;
    for (r = reader_of(ret->filters); rd_left(&r) > 0; ret->count++) {
        struct span filter = mqtt_string_read(&r);
        if (r.is_failed)
            return err_raise(ERR_MQTT_UNSUBSCRIBE_SHORT);
        if (!utf8_is_valid_mqtt(filter))
            return err_raise(ERR_MQTT_UNSUBSCRIBE_UTF8);
    }
    return ret->count ? 0 : err_raise(ERR_MQTT_UNSUBSCRIBE_EMPTY);
}

bool mqtt_subscribe_next(struct span *rest, enum mqtt_version v, struct mqtt_subscription *ret)
{
    if (rest->n == 0)
        return false;
    struct reader r = reader_of(*rest);
    struct span filter = mqtt_string_read(&r);
    uint8_t options = rd_u8(&r);
    if (r.is_failed)
        return false;
    bool is_5 = v == MQTT_5_0;
    *ret = (struct mqtt_subscription){
        .filter = filter,
        .qos = options & OPTION_QOS,
        .no_local = is_5 && options & OPTION_NO_LOCAL,
        .retain_as_published = is_5 && options & OPTION_RETAIN_AS_PUBLISHED,
        .retain_handling =
            is_5 ? (uint8_t)((options & OPTION_RETAIN_HANDLING) >> RETAIN_HANDLING_SHIFT) : 0,
    };
    *rest = mqtt_rest_read(&r);
    return true;
}

bool mqtt_unsubscribe_next(struct span *rest, struct span *ret_filter)
{
    if (rest->n == 0)
        return false;
    struct reader r = reader_of(*rest);
    struct span filter = mqtt_string_read(&r);
    if (r.is_failed)
        return false;
    *ret_filter = filter;
    *rest = mqtt_rest_read(&r);
    return true;
}
