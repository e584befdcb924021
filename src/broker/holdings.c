/* Sums of what waits for clients, and the limits on them. */
#include "broker/holdings.h"

#include "broker/client.h"

void holdings_init(struct holdings *h, uint64_t max, int err, struct holdings *whole)
{
    *h = (struct holdings){
        .max = max < INT64_MAX ? (int64_t)max : INT64_MAX,
        .err = err,
        .whole = whole,
    };
}

static void add(atomic_int_fast64_t *sum, int64_t n)
{
    atomic_fetch_add_explicit(sum, n, memory_order_relaxed);
}

static void pass_on(struct holdings_batch *batch)
{
    for (struct holdings *h = batch->of; h; h = h->whole)
        add(&h->bytes, batch->bytes);
    batch->bytes = 0;
}

static void change(struct broker_shard *bs, struct holdings *of, int64_t bytes)
{
    struct holdings_batch *batch = &bs->batch;
    if (batch->of != of) {
        pass_on(batch);
        batch->of = of;
    }
    batch->bytes += bytes;
    if (batch->bytes >= HOLDINGS_BATCH || batch->bytes <= -HOLDINGS_BATCH)
        pass_on(batch);
}

/* The client's part. Output holds messages of the window again, so the larger of both counts. */
static uint64_t waiting_bytes(const struct session *s)
{
    uint64_t window = s->outbox.window_bytes;
    uint64_t output = s->client ? conn_output_bytes(s->client->conn) : 0;
    uint64_t larger = window > output ? window : output;
    return larger < HOLDINGS_FROM ? 0 : larger;
}

void holdings_settle(struct session *s)
{
    struct broker_shard *bs = s->home;
    struct holding *told = &s->holding;
    const struct holding now = {s->outbox.queue_bytes, waiting_bytes(s), s->outbox.queue.count};
    int64_t queued = (int64_t)(now.queue_bytes - told->queue_bytes);
    int64_t waiting = (int64_t)(now.waiting_bytes - told->waiting_bytes);
    if (now.queue_count != told->queue_count)
        broker_count(bs, COUNT_QUEUED, (int64_t)now.queue_count - (int64_t)told->queue_count);
    if (queued)
        broker_count(bs, COUNT_QUEUED_BYTES, queued);
    if (waiting)
        broker_count(bs, COUNT_WAITING_BYTES, waiting);
    if (queued + waiting)
        change(bs, &space_of(s->account)->holdings, queued + waiting);
    *told = now;
}

static int check(const struct holdings *h, int64_t more)
{
    for (; h; h = h->whole) {
        int64_t held = atomic_load_explicit((atomic_int_fast64_t *)&h->bytes, memory_order_relaxed);
        if (h->max && held + more > h->max)
            return h->err;
    }
    return 0;
}

int holdings_check(const struct session *s, uint64_t bytes)
{
    const struct holdings *h = &space_of(s->account)->holdings;
    const struct holdings_batch *batch = &s->home->batch;
    return check(h, (int64_t)bytes + (batch->of == h ? batch->bytes : 0));
}

void holdings_change_group(struct holdings *h, int64_t bytes, int64_t messages)
{
    for (; h; h = h->whole) {
        add(&h->bytes, bytes);
        add(&h->group_bytes, bytes);
        add(&h->group_messages, messages);
    }
}

int holdings_check_group(const struct holdings *h, uint64_t bytes)
{
    return check(h, (int64_t)bytes);
}
