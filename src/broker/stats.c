/* Figures of the broker: counters of the shards, summed up. Any thread. */
#include "broker/shard_state.h"

#include <string.h>

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit((atomic_uint_fast64_t *)counter, memory_order_relaxed);
}

static uint64_t read_sum(const atomic_int_fast64_t *sum)
{
    int64_t n = atomic_load_explicit((atomic_int_fast64_t *)sum, memory_order_relaxed);
    return n > 0 ? (uint64_t)n : 0;
}

/* Counters of a shard may go below zero when another one counted up; the sum does not for long. */
static uint64_t sum_of(const struct broker *b, enum broker_counter which)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= b->workers; i++)
        sum += read_counter(&b->state[i]->counters[which]);
    return (int64_t)sum > 0 ? sum : 0;
}

static uint64_t heap_bytes(void)
{
    int64_t sum = 0;
    for (int tag = 0; tag < MEM_TAG_COUNT_; tag++)
        sum += mem_bytes((enum mem_tag)tag);
    return sum > 0 ? (uint64_t)sum : 0;
}

struct broker_stats broker_stats(const struct broker *b)
{
    struct broker_stats s = {
        .sessions = sum_of(b, COUNT_SESSIONS),
        .sessions_online = read_sum(&b->online),
        .sessions_online_max = read_sum(&b->online_max),
        .sessions_expired = sum_of(b, COUNT_EXPIRED),
        .connections = sum_of(b, COUNT_CONNECTIONS),
        .connections_accepted = sum_of(b, COUNT_ACCEPTED),
        .connects = sum_of(b, COUNT_CONNECTS),
        .packets_received = sum_of(b, COUNT_PACKETS_RECEIVED),
        .packets_sent = sum_of(b, COUNT_PACKETS_SENT),
        .bytes_received = sum_of(b, COUNT_BYTES_RECEIVED),
        .bytes_sent = sum_of(b, COUNT_BYTES_SENT),
        .publishes_received = sum_of(b, COUNT_RECEIVED),
        .publishes_sent = sum_of(b, COUNT_SENT),
        .publishes_dropped = sum_of(b, COUNT_DROPPED),
        .payload_bytes_received = sum_of(b, COUNT_PAYLOAD_RECEIVED),
        .payload_bytes_sent = sum_of(b, COUNT_PAYLOAD_SENT),
        .subscriptions = read_counter(&b->root->index.count),
        .subscriptions_shared = read_counter(&b->root->index.shared_count),
        .retained = read_counter(&b->root->retained.count),
        .retained_bytes = read_counter(&b->root->retained.bytes),
        .queued = sum_of(b, COUNT_QUEUED) + read_sum(&b->holdings.group_messages),
        .queued_bytes = sum_of(b, COUNT_QUEUED_BYTES) + read_sum(&b->holdings.group_bytes),
        .waiting_bytes = sum_of(b, COUNT_WAITING_BYTES),
        .heap_bytes = heap_bytes(),
    };
    s.sessions_offline = s.sessions > s.sessions_online ? s.sessions - s.sessions_online : 0;
    s.stored = s.queued + s.retained;
    s.stored_bytes = s.queued_bytes + s.retained_bytes;
    return s;
}

/* Adds to the row called `name`, or makes one; the number of rows then. */
static size_t add_row(struct broker_transport_stats *rows, size_t count, const char *name,
                      uint64_t clients)
{
    size_t i = 0;
    while (i < count && strcmp(rows[i].name, name) != 0)
        i++;
    if (i == BROKER_TRANSPORTS_MAX)
        return count;
    if (i == count)
        rows[count++] = (struct broker_transport_stats){name, 0};
    rows[i].clients += clients;
    return count;
}

size_t broker_transport_stats(const struct broker *b, struct broker_transport_stats *ret)
{
    size_t count = 0;
    for (unsigned i = 0; i < b->workers; i++) {
        for (unsigned t = 0; t < BROKER_TRANSPORTS_MAX; t++) {
            struct transport_count *tc = &b->state[i]->transports[t];
            const struct transport *transport =
                atomic_load_explicit(&tc->transport, memory_order_relaxed);
            if (transport)
                count = add_row(ret, count, transport->name, read_counter(&tc->clients));
        }
    }
    return count;
}
