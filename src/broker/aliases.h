/* Topic aliases (MQTT 5.0 3.3.2.3.4) of one connection, each direction for itself. Owner shard. */
#ifndef TRACKWIRE_BROKER_ALIASES_H
#define TRACKWIRE_BROKER_ALIASES_H

#include "base/err.h"
#include "base/span.h"

struct aliases_in;
struct aliases_out;

/* Client to server: remembers that `alias` (1 .. max) stands for `topic`, which is copied. The
 * table is made at the first call. ERR_BROKER_ALIAS_TOO_LARGE, ERR_NO_MEMORY. */
int aliases_in_set(struct aliases_in **a, uint16_t max, uint16_t alias, struct span topic) MUST_USE;
/* The topic, borrowed until the alias is set anew; ERR_BROKER_ALIAS_TOO_LARGE,
 * ERR_BROKER_ALIAS_UNKNOWN. */
int aliases_in_get(const struct aliases_in *a, uint16_t max, uint16_t alias,
                   struct span *ret) MUST_USE;
void aliases_in_free(struct aliases_in **a);

/* Server to client: at most as many aliases as the client takes and as we care to remember. NULL
 * out of memory: no aliases then. */
struct aliases_out *aliases_out_new(uint16_t client_max);
/* The alias for `topic`, 0 when it has none and gets none. `ret_is_new`: it was given just now, so
 * the packet carries topic and alias; else the alias alone stands for the topic. */
uint16_t aliases_out_get(struct aliases_out *a, struct span topic, bool *ret_is_new);
void aliases_out_free(struct aliases_out **a);

#endif
