/* What `$filter/SPEC/filter` asks of a message besides its topic (flespi): conditions joined by
 * `&`, percent-encoded where they hold characters that a topic level cannot:
 *
 *     payload=EXPRESSION      over the members of a JSON payload
 *     message=EXPRESSION      over topic, payload, cid, timestamp, user_properties
 *     cid=NUMBER              the account
 *     modified_since>SECONDS  when the message came
 *
 * Immutable once parsed: any thread. */
#ifndef TRACKWIRE_BROKER_FILTER_SPEC_H
#define TRACKWIRE_BROKER_FILTER_SPEC_H

#include "broker/msg.h"
#include "expr/publication.h"

struct filter_spec;

/* Compiles a spec; ERR_FILTER_SPEC_*, those of expr_compile. The caller owns it. */
int filter_spec_parse(struct span text, struct filter_spec **ret) MUST_USE;
void filter_spec_free(struct filter_spec **spec);

/* A message asked by several specs, so that its payload is parsed once at most. */
struct filter_subject {
    struct expr_publication publication;
    struct expr_payload payload;
    const struct publication *p;
};
/* Over `p`, which must outlive it; filter_subject_fini after the last question. */
void filter_subject_init(struct filter_subject *s, const struct publication *p, uint64_t cid);
void filter_subject_fini(struct filter_subject *s);
/* Whether the message meets all conditions. */
bool filter_spec_matches(const struct filter_spec *spec, struct filter_subject *s);

#endif
