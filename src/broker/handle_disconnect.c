/* DISCONNECT (MQTT 5.0 3.14): the client goes, with or without its will. */
#include "broker/client.h"

int handle_disconnect(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_disconnect p;
    int err = mqtt_decode_disconnect(f, c->version, true, &p);
    if (err < 0)
        return err;
    if (c->version == MQTT_5_0 && mqtt_has(&p.properties, MQTT_PROP_SESSION_EXPIRY)) {
        /* MQTT 5.0 3.14.2.2.2: a session that was to end with the connection cannot be kept now. */
        if (!session_is_persistent(c->session) && p.properties.session_expiry)
            return err_raise(ERR_BROKER_SESSION_EXPIRY_ZERO);
        uint32_t max = c->bs->broker->config.session_expiry_max_s;
        c->session->expiry_s =
            p.properties.session_expiry < max ? p.properties.session_expiry : max;
    }
    return p.reason == MQTT_SUCCESS ? ERR_BROKER_DISCONNECTED : ERR_BROKER_DISCONNECTED_WITH_WILL;
}
