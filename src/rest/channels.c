/* /gw/channels: its routes. What they do is common to all hub objects (objects.c); what a channel
 * may hold is the hub's matter. */
#include "rest/rest_internal.h"

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/gw/channels", REST_ITEMS, rest_objects_get, HUB_CHANNELS,
     "the same as channels/all"},
    {HTTP_METHOD_GET, "/gw/channels/{selector}", REST_ITEMS, rest_objects_get, HUB_CHANNELS,
     "the channels selected; ?fields=a,b ?limit=N&offset=N"},
    {HTTP_METHOD_POST, "/gw/channels", REST_ITEMS, rest_objects_post, HUB_CHANNELS,
     "makes channels: an array of objects"},
    {HTTP_METHOD_PUT, "/gw/channels/{selector}", REST_ITEMS, rest_objects_put, HUB_CHANNELS,
     "replaces the fields given"},
    {HTTP_METHOD_PATCH, "/gw/channels/{selector}", REST_ITEMS, rest_objects_patch, HUB_CHANNELS,
     "the same, but merges objects into the old ones"},
    {HTTP_METHOD_DELETE, "/gw/channels/{selector}", REST_ITEMS, rest_objects_delete, HUB_CHANNELS,
     "deletes them"},
};
const struct rest_routes rest_channel_routes = REST_ROUTES(routes);
