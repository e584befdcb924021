/* What a server's answers mean to a simulated tracker: enough of each protocol to count what was
 * acknowledged. Pure. */
#ifndef TRACKWIRE_APP_ANSWERS_H
#define TRACKWIRE_APP_ANSWERS_H

#include "gateway/protocols/protocol.h"

enum answer {
    ANSWER_NONE, /* something that answers nothing, e.g. a greeting */
    ANSWER_ACCEPTED,
    ANSWER_REFUSED,
};

/* Takes the first answer out of `in`: its length and what it says, or 0 when more bytes are needed.
 * `is_login`: the login was not answered yet. A protocol that is not known here is taken to answer
 * with whatever comes. */
size_t answer_read(const struct protocol *protocol, enum protocol_transport transport,
                   bool is_login, struct span in, enum answer *ret);

#endif
