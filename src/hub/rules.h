/* Rules that channels and devices share; only for files of this folder. */
#ifndef TRACKWIRE_HUB_RULES_H
#define TRACKWIRE_HUB_RULES_H

#include "hub/hub.h"

#define TEN_YEARS_S 315360000 /* the longest a message is kept */

/* `metadata` is the caller's own; only its size is ours. For struct field_rule. */
int hub_check_metadata(const json_t *value, const char *path, struct hub_refusal *why);

#endif
