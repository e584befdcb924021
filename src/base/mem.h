/* The counted heap. Plain malloc is forbidden elsewhere (lint): every block belongs to a purpose,
 * so that /metrics can say where memory went. Any thread may allocate and free. */
#ifndef TRACKWIRE_BASE_MEM_H
#define TRACKWIRE_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

enum mem_tag {
    MEM_BASE,
    MEM_LOOP,
    MEM_NET,     /* connections and their buffers */
    MEM_MESSAGE, /* MQTT message bodies and telemetry messages */
    MEM_SESSION, /* sessions, windows, queues */
    MEM_INDEX,   /* subscription index, retained index */
    MEM_GATEWAY, /* channels, tracker connections */
    MEM_HUB,
    MEM_REST,
    MEM_STORE,
    MEM_JSON, /* jansson */
    MEM_EXPR, /* compiled expressions */
    MEM_TAG_COUNT_
};

/* Uninitialised bytes, or NULL when the system refuses. The caller owns them. */
void *mem_alloc(enum mem_tag tag, size_t n) __attribute__((malloc, warn_unused_result));
/* Zeroed bytes, or NULL. */
void *mem_zalloc(enum mem_tag tag, size_t n) __attribute__((malloc, warn_unused_result));
/* Like realloc: NULL leaves `p` as it was. `p` may be NULL. */
void *mem_realloc(enum mem_tag tag, void *p, size_t n) __attribute__((warn_unused_result));
/* A NUL-terminated copy, for names that C libraries want so. */
char *mem_strdup(enum mem_tag tag, const char *text) __attribute__((malloc, warn_unused_result));
/* Frees; NULL is allowed. `tag` must be the one of the allocation. */
void mem_free(enum mem_tag tag, void *p);

/* Bytes now allocated under `tag`, all threads together; exact while nobody allocates. */
int64_t mem_bytes(enum mem_tag tag);
const char *mem_tag_name(enum mem_tag tag);

#endif
