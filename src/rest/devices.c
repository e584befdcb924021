/* /gw/devices: its routes. What they do is common to all hub objects (objects.c); what a device may
 * hold is the hub's matter. */
#include "rest/rest_internal.h"

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/gw/devices", REST_ITEMS, rest_objects_get, HUB_DEVICES,
     "the same as devices/all"},
    {HTTP_METHOD_GET, "/gw/devices/{selector}", REST_ITEMS, rest_objects_get, HUB_DEVICES,
     "the devices selected; ?fields=a,b ?limit=N&offset=N"},
    {HTTP_METHOD_POST, "/gw/devices", REST_ITEMS, rest_objects_post, HUB_DEVICES,
     "makes devices: an array of objects"},
    {HTTP_METHOD_PUT, "/gw/devices/{selector}", REST_ITEMS, rest_objects_put, HUB_DEVICES,
     "replaces the fields given"},
    {HTTP_METHOD_PATCH, "/gw/devices/{selector}", REST_ITEMS, rest_objects_patch, HUB_DEVICES,
     "the same, but merges objects into the old ones"},
    {HTTP_METHOD_DELETE, "/gw/devices/{selector}", REST_ITEMS, rest_objects_delete, HUB_DEVICES,
     "deletes them"},
};
const struct rest_routes rest_device_routes = REST_ROUTES(routes);
