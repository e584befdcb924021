/* Topic aliases. */
#include "broker/aliases.h"

#include "base/hash.h"
#include "base/mem.h"

#define OUT_MAX 32u        /* aliases that we give one client */
#define OUT_PLACES 64u     /* power of two above OUT_MAX */
#define OUT_TOPIC_MAX 256u /* longer topics get no alias: what we remember stays small */

struct alias_topic {
    uint32_t n;
    uint8_t bytes[];
};

struct aliases_in {
    uint16_t max;
    struct alias_topic *topics[]; /* by alias - 1 */
};

struct aliases_out {
    uint16_t max, used;
    struct {
        uint64_t hash;
        struct alias_topic *topic;
        uint16_t alias;
    } places[OUT_PLACES];
};

static struct alias_topic *topic_new(struct span topic)
{
    struct alias_topic *t = mem_alloc(MEM_SESSION, sizeof(*t) + topic.n);
    if (!t)
        return NULL;
    t->n = (uint32_t)topic.n;
    memcpy(t->bytes, topic.p, topic.n);
    return t;
}

int aliases_in_set(struct aliases_in **a, uint16_t max, uint16_t alias, struct span topic)
{
    if (alias == 0 || alias > max)
        return err_raise(ERR_BROKER_ALIAS_TOO_LARGE);
    if (!*a) {
        *a = mem_zalloc(MEM_SESSION, sizeof(**a) + max * sizeof((*a)->topics[0]));
        if (!*a)
            return ERR_NO_MEMORY;
        (*a)->max = max;
    }
    struct alias_topic *t = topic_new(topic);
    if (!t)
        return ERR_NO_MEMORY;
    mem_free(MEM_SESSION, (*a)->topics[alias - 1]);
    (*a)->topics[alias - 1] = t;
    return 0;
}

int aliases_in_get(const struct aliases_in *a, uint16_t max, uint16_t alias, struct span *ret)
{
    if (alias == 0 || alias > max)
        return err_raise(ERR_BROKER_ALIAS_TOO_LARGE);
    const struct alias_topic *t = a ? a->topics[alias - 1] : NULL;
    if (!t)
        return err_raise(ERR_BROKER_ALIAS_UNKNOWN);
    *ret = (struct span){t->bytes, t->n};
    return 0;
}

void aliases_in_free(struct aliases_in **a)
{
    for (uint16_t i = 0; *a && i < (*a)->max; i++)
        mem_free(MEM_SESSION, (*a)->topics[i]);
    mem_free(MEM_SESSION, *a);
    *a = NULL;
}

struct aliases_out *aliases_out_new(uint16_t client_max)
{
    struct aliases_out *a = mem_zalloc(MEM_SESSION, sizeof(*a));
    if (a)
        a->max = client_max < OUT_MAX ? client_max : OUT_MAX;
    return a;
}

uint16_t aliases_out_get(struct aliases_out *a, struct span topic, bool *ret_is_new)
{
    *ret_is_new = false;
    if (topic.n > OUT_TOPIC_MAX)
        return 0;
    uint64_t hash = hash_bytes(topic);
    uint32_t i = (uint32_t)hash & (OUT_PLACES - 1);
    for (; a->places[i].topic; i = (i + 1) & (OUT_PLACES - 1)) {
        const struct alias_topic *t = a->places[i].topic;
        if (a->places[i].hash == hash && span_equal((struct span){t->bytes, t->n}, topic))
            return a->places[i].alias;
    }
    if (a->used == a->max)
        return 0;
    a->places[i].topic = topic_new(topic);
    if (!a->places[i].topic)
        return 0;
    a->places[i].hash = hash;
    a->places[i].alias = ++a->used;
    *ret_is_new = true;
    return a->used;
}

void aliases_out_free(struct aliases_out **a)
{
    for (uint32_t i = 0; *a && i < OUT_PLACES; i++)
        mem_free(MEM_SESSION, (*a)->places[i].topic);
    mem_free(MEM_SESSION, *a);
    *a = NULL;
}
