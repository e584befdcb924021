/* Rules that channels and devices share. Pure. */
#include "hub/rules.h"

#include "hub/refusal.h"

#define METADATA_MAX 65536

int hub_check_metadata(const json_t *value, const char *path, struct hub_refusal *why)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT) <= METADATA_MAX
               ? 0
               : hub_refuse(why, ERR_HUB_METADATA_SIZE, path);
}
