/* The certificates of a running hub: the files that are configured, or else a self-signed one in
 * the data folder; read at start, again at SIGHUP, and again when they change. Bad ones are told in
 * the log, and those that are at work stay. */
#ifndef TRACKWIRE_APP_CERTIFICATES_H
#define TRACKWIRE_APP_CERTIFICATES_H

#include "app/config.h"
#include "net/tls_context.h"

struct certificates;

/* Reads the files that `config` names; makes the self-signed certificate when it names none and
 * there is none. The data folder is there. On an error `problem` says what is wrong, and which key
 * changes it. */
int certificates_open(const struct config *config, struct certificates **ret,
                      struct tls_problem *problem) MUST_USE;
/* For listeners; borrowed. */
struct tls_context *certificates_context(const struct certificates *c);
/* The name of the self-signed certificate's file, NULL when another is configured. */
const char *certificates_self_signed(const struct certificates *c);

/* Begins to look after the files; control shard. */
void certificates_watch(struct certificates *c);
/* Reads them again, and from where `config` has them now, NULL: from where they were. 0, or an
 * error that was logged; then nothing has changed. Control shard. */
int certificates_reload(struct certificates *c, const struct config *config) MUST_USE;
/* Looks after them no longer; control shard. */
void certificates_unwatch(struct certificates *c);

/* After the last connection. */
void certificates_free(struct certificates **c);

#endif
