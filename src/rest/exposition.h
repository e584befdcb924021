/* Writes figures in the text format of Prometheus, version 0.0.4: a family is a name with its help
 * and type; a sample is the name, labels in braces, and a value. Pure. */
#ifndef TRACKWIRE_REST_EXPOSITION_H
#define TRACKWIRE_REST_EXPOSITION_H

#include "base/buf.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition {
    struct buf *out;
    const char *family;
    bool has_labels; /* of the sample at hand */
};

/* Begins a family: samples that follow are of it. */
void exposition_family(struct exposition *e, const char *name, const char *type, const char *help);
/* Begins a sample. `suffix` behind the family's name: "", or a histogram's part. */
void exposition_sample(struct exposition *e, const char *suffix);
/* Adds a label to the sample; its value may be any UTF-8 text. */
void exposition_label(struct exposition *e, const char *name, struct span value);
/* Ends the sample with its value. */
void exposition_value(struct exposition *e, uint64_t value);
void exposition_seconds(struct exposition *e, int64_t us);

/* A family of one sample without labels. */
void exposition_one(struct exposition *e, const char *name, const char *type, const char *help,
                    uint64_t value);

#endif
