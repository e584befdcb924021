/* Filling in why the hub refused; only for files of this folder. */
#ifndef TRACKWIRE_HUB_REFUSAL_H
#define TRACKWIRE_HUB_REFUSAL_H

#include "hub/hub.h"

/* Counts `err` and fills `why` with its text. `field` may be NULL. Returns `err`. */
int hub_refuse(struct hub_refusal *why, int err, const char *field);
/* The same with a sentence of its own. */
int hub_refuse_because(struct hub_refusal *why, int err, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
