/* What a starting hub says on standard output. */
#ifndef TRACKWIRE_APP_BANNER_H
#define TRACKWIRE_APP_BANNER_H

#include "app/config.h"

struct banner {
    const struct config *config;
    /* The addresses that were bound; n == 0: not listening. */
    struct net_address mqtt, mqtts, http, https;
    const char *new_token;   /* "" unless it was made at this start */
    const char *self_signed; /* the file of that certificate, NULL when another is in use */
};

/* At most 12 lines. */
void banner_print(FILE *out, const struct banner *banner);

#endif
