/* Window and queue of a session: identifiers in order and around, acknowledgements in any order,
 * limits, messages in memory and in the store. */
#include "broker/outbox.h"

#include "broker_test.h"

struct bench {
    struct store *store;
    struct outbox o;
    int64_t messages, session; /* bytes before */
};

static int set_up(void **state)
{
    static struct bench b;
    b = (struct bench){0};
    if (store_open(&store_engine_memory, NULL, &b.store) < 0)
        return -1;
    b.messages = mem_bytes(MEM_MESSAGE);
    b.session = mem_bytes(MEM_SESSION);
    outbox_init(&b.o);
    *state = &b;
    return 0;
}

/* Whatever a test left in the outbox goes with it. */
static int tear_down(void **state)
{
    struct bench *b = *state;
    outbox_fini(&b->o, b->store);
    bool is_clean = mem_bytes(MEM_MESSAGE) == b->messages && mem_bytes(MEM_SESSION) == b->session &&
                    store_log_count(b->store) == 0;
    store_close(&b->store);
    return is_clean ? 0 : -1;
}

static struct outbox_item *push(struct outbox *o, uint8_t qos)
{
    struct outbox_item item = {.msg = make_msg("t", "payload", 0), .qos = qos};
    return outbox_push(o, item);
}

static struct id_list *make_ids(uint32_t id)
{
    struct id_list *ids = mem_alloc(MEM_SESSION, sizeof(*ids) + sizeof(ids->ids[0]));
    assert_non_null(ids);
    ids->group = NULL;
    ids->count = 1;
    ids->ids[0] = id;
    return ids;
}

static void gives_identifiers_in_order(void **state)
{
    struct bench *b = *state;
    for (uint16_t pid = 1; pid <= 100; pid++) {
        struct outbox_item *item = push(&b->o, 1);
        assert_int_equal(item->pid, pid);
        assert_int_equal(item->state, ITEM_SENT);
        assert_int_equal(b->o.in_flight, pid);
    }
    for (uint16_t pid = 1; pid <= 100; pid++)
        assert_int_equal(outbox_find(&b->o, pid)->pid, pid);
    assert_null(outbox_find(&b->o, 0));
    assert_null(outbox_find(&b->o, 101));
    assert_null(outbox_find(&b->o, 65535));
}

static void frees_a_message_when_the_client_has_it(void **state)
{
    struct bench *b = *state;
    struct outbox_item *item = push(&b->o, 2);
    outbox_acknowledge(&b->o, item, false);
    assert_int_equal(mem_bytes(MEM_MESSAGE), b->messages);
    item = outbox_find(&b->o, 1);
    assert_int_equal(item->state, ITEM_RELEASED);
    assert_null(item->msg);
    assert_int_equal(b->o.in_flight, 1); /* until PUBCOMP */
    outbox_acknowledge(&b->o, item, true);
    assert_null(outbox_find(&b->o, 1));
    assert_int_equal(b->o.in_flight, 0);
    assert_int_equal(b->o.window.count, 0);
}

/* An identifier acknowledged behind an open one is done, and not given anew before its turn. */
static void takes_acknowledgements_in_any_order(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 10; i++)
        push(&b->o, 1);
    static const uint16_t order[] = {10, 5, 9, 2, 3, 1, 7, 8, 4, 6};
    for (uint32_t i = 0; i < 10; i++) {
        struct outbox_item *item = outbox_find(&b->o, order[i]);
        assert_int_equal(item->pid, order[i]);
        outbox_acknowledge(&b->o, item, true);
        assert_null(outbox_find(&b->o, order[i]));
        assert_int_equal(b->o.in_flight, 9 - i);
        for (uint32_t k = i + 1; k < 10; k++)
            assert_int_equal(outbox_find(&b->o, order[k])->pid, order[k]);
    }
    assert_int_equal(b->o.window.count, 0);
    assert_int_equal(push(&b->o, 1)->pid, 11);
}

static void goes_around_after_65535(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 1; i <= 65535; i++) {
        struct outbox_item *item = push(&b->o, 1);
        assert_int_equal(item->pid, i);
        if (i <= 65530)
            outbox_acknowledge(&b->o, item, true);
    }
    for (uint16_t pid = 1; pid <= 5; pid++)
        assert_int_equal(push(&b->o, 1)->pid, pid); /* never 0 */
    assert_int_equal(b->o.in_flight, 10);
    static const uint16_t open[] = {65531, 65532, 65533, 65534, 65535, 1, 2, 3, 4, 5};
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(outbox_find(&b->o, open[i])->pid, open[i]);
    assert_null(outbox_find(&b->o, 65530));
    assert_null(outbox_find(&b->o, 6));
    assert_null(outbox_find(&b->o, 0));
    for (uint32_t i = 10; i-- > 0;) {
        outbox_acknowledge(&b->o, outbox_find(&b->o, open[i]), true);
        assert_null(outbox_find(&b->o, open[i]));
    }
    assert_int_equal(b->o.window.count, 0);
}

static void has_room_up_to_the_limit(void **state)
{
    struct bench *b = *state;
    assert_false(outbox_has_room(&b->o, 0));
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(outbox_has_room(&b->o, 20));
        push(&b->o, 2);
    }
    assert_false(outbox_has_room(&b->o, 20));
    assert_false(outbox_has_room(&b->o, 5)); /* a client that came back with a smaller one */
    assert_true(outbox_has_room(&b->o, 21));
    outbox_acknowledge(&b->o, outbox_find(&b->o, 7), false); /* PUBREC frees no place */
    assert_false(outbox_has_room(&b->o, 20));
    outbox_acknowledge(&b->o, outbox_find(&b->o, 7), true); /* PUBCOMP does */
    assert_true(outbox_has_room(&b->o, 20));
}

/* One message is never acknowledged, all later ones are: the identifiers must not come around to
 * it. */
static void stops_before_an_identifier_would_come_twice(void **state)
{
    struct bench *b = *state;
    push(&b->o, 1);
    uint32_t pushed = 1;
    while (outbox_has_room(&b->o, 65535) && pushed < 70000) {
        struct outbox_item *item = push(&b->o, 1);
        assert_int_not_equal(item->pid, 1);
        outbox_acknowledge(&b->o, item, true);
        pushed++;
    }
    assert_int_equal(pushed, 65535);
    assert_int_equal(b->o.in_flight, 1);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 1), true);
    assert_true(outbox_has_room(&b->o, 1));
    assert_int_equal(push(&b->o, 1)->pid, 1);
}

/* A client that comes back gets again what it has not acknowledged, within its new limit. */
static void sends_again_within_the_limit(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 6; i++)
        push(&b->o, 2);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 1), false);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 3), true);
    outbox_rewind(&b->o);
    assert_int_equal(b->o.in_flight, 1);         /* the released one */
    assert_false(outbox_has_room(&b->o, 65535)); /* older messages go first */
    assert_null(outbox_send_again(&b->o, 1));
    assert_int_equal(outbox_send_again(&b->o, 3)->pid, 2);
    assert_int_equal(outbox_send_again(&b->o, 3)->pid, 4);
    assert_null(outbox_send_again(&b->o, 3));
    outbox_acknowledge(&b->o, outbox_find(&b->o, 4), true);
    /* An acknowledgement that belongs to the earlier connection counts all the same. */
    assert_int_equal(outbox_find(&b->o, 5)->state, ITEM_AGAIN);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 5), true);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 1), true);
    assert_int_equal(outbox_send_again(&b->o, 3)->pid, 6);
    assert_null(outbox_send_again(&b->o, 3));
    assert_int_equal(b->o.in_flight, 2);
    assert_true(outbox_has_room(&b->o, 3));
    /* Once more, and once more right after it. */
    outbox_rewind(&b->o);
    assert_int_equal(outbox_send_again(&b->o, 1)->pid, 2);
    outbox_rewind(&b->o);
    assert_int_equal(outbox_send_again(&b->o, 2)->pid, 2);
    assert_int_equal(outbox_send_again(&b->o, 2)->pid, 6);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 2), true);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 6), true);
    assert_int_equal(b->o.window.count, 0);
    outbox_rewind(&b->o);
    assert_null(outbox_send_again(&b->o, 10));
    assert_true(outbox_has_room(&b->o, 1));
}

/* Against a plain list of what is open, far over the wrap, with lost connections. */
static void agrees_with_a_list(void **state)
{
    struct bench *b = *state;
    struct {
        uint16_t pid;
        enum item_state state;
    } open[64];
    uint32_t count = 0, again = 0, limit = 64;
    uint64_t random = 11;
    uint16_t next = 1;
    for (int i = 0; i < 300000; i++) {
        bool has_room = !again && count < limit;
        assert_int_equal(outbox_has_room(&b->o, limit), has_room);
        if (random_below(&random, 200) == 0) {
            outbox_rewind(&b->o);
            limit = 1 + random_below(&random, 64);
            for (uint32_t k = again = 0; k < count; k++) {
                open[k].state = open[k].state == ITEM_RELEASED ? ITEM_RELEASED : ITEM_AGAIN;
                again += open[k].state == ITEM_AGAIN;
            }
        }
        if (again && random_below(&random, 2)) {
            struct outbox_item *item = outbox_send_again(&b->o, limit);
            assert_int_equal(item != NULL, count - again < limit);
            for (uint32_t k = 0; item && k < count; k++) {
                if (open[k].state == ITEM_AGAIN) {
                    assert_int_equal(item->pid, open[k].pid);
                    open[k].state = ITEM_SENT;
                    again--;
                    break;
                }
            }
        } else if (!again && count < limit && (count == 0 || random_below(&random, 2))) {
            assert_int_equal(push(&b->o, 2)->pid, next);
            open[count].pid = next;
            open[count++].state = ITEM_SENT;
            next = next == 65535 ? 1 : (uint16_t)(next + 1);
        } else if (count) {
            /* Mostly among the oldest, as a client would. */
            uint32_t at = random_below(&random, random_below(&random, 4) && count > 3 ? 3 : count);
            struct outbox_item *item = outbox_find(&b->o, open[at].pid);
            assert_non_null(item);
            assert_int_equal(item->state, open[at].state);
            bool is_done = open[at].state == ITEM_RELEASED || random_below(&random, 3) == 0;
            outbox_acknowledge(&b->o, item, is_done);
            again -= open[at].state == ITEM_AGAIN;
            open[at].state = ITEM_RELEASED;
            if (is_done) {
                assert_null(outbox_find(&b->o, open[at].pid));
                memmove(&open[at], &open[at + 1], (count - at - 1) * sizeof(open[0]));
                count--;
            }
        }
        assert_int_equal(b->o.in_flight, count - again);
        assert_int_equal(b->o.again, again);
    }
}

static void queue_in_memory(struct bench *b, uint32_t number)
{
    char payload[16];
    snprintf(payload, sizeof(payload), "%u", number);
    struct outbox_item item = {.msg = make_msg("t", payload, 0), .ids = make_ids(number), .qos = 1};
    assert_int_equal(outbox_enqueue(&b->o, item, msg_bytes(item.msg)), 0);
}

static void queue_in_store(struct bench *b, uint32_t number)
{
    char payload[16];
    snprintf(payload, sizeof(payload), "%u", number);
    struct msg *m = make_msg("t", payload, 0);
    struct outbox_item item = {.ids = make_ids(number), .qos = 2, .is_stored = true};
    assert_int_equal(store_append(b->store, &m->ref, 1, &item.lsn), 0);
    assert_int_equal(outbox_enqueue(&b->o, item, msg_bytes(m)), 0);
    msg_drop(m);
}

static void check_dequeued(struct bench *b, uint32_t number)
{
    struct outbox_item item;
    char payload[16];
    snprintf(payload, sizeof(payload), "%u", number);
    assert_true(outbox_dequeue(&b->o, b->store, &item));
    assert_false(item.is_stored);
    assert_non_null(item.msg);
    assert_true(span_equal(msg_payload(item.msg), span_str(payload)));
    assert_int_equal(item.ids->ids[0], number);
    item_drop(&item, b->store);
    assert_null(item.msg);
    assert_null(item.ids);
}

/* A session that became persistent meanwhile has both kinds in one queue. */
static void queue_keeps_the_order_of_both_kinds(void **state)
{
    struct bench *b = *state;
    struct outbox_item item;
    assert_false(outbox_dequeue(&b->o, b->store, &item));
    uint32_t in = 0, out = 0;
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        if (out == in || random_below(&random, 100) < (i < 10000 ? 55u : 45u)) {
            if (random_below(&random, 2))
                queue_in_memory(b, in++);
            else
                queue_in_store(b, in++);
        } else {
            check_dequeued(b, out++);
        }
        assert_int_equal(b->o.queue.count, in - out);
    }
    while (out < in)
        check_dequeued(b, out++);
    assert_false(outbox_dequeue(&b->o, b->store, &item));
    assert_int_equal(b->o.queue_bytes, 0);
    assert_int_equal(store_log_count(b->store), 0);
    assert_int_equal(mem_bytes(MEM_MESSAGE), b->messages);
}

static void queue_counts_bytes(void **state)
{
    struct bench *b = *state;
    queue_in_memory(b, 7); /* "t" and "7" */
    queue_in_store(b, 100);
    assert_int_equal(b->o.queue_bytes, 2 + 4);
    check_dequeued(b, 7);
    assert_int_equal(b->o.queue_bytes, 4);
    check_dequeued(b, 100);
    assert_int_equal(b->o.queue_bytes, 0);
}

static void tells_of_a_record_that_is_gone(void **state)
{
    struct bench *b = *state;
    struct outbox_item item = {.lsn = 12345, .is_stored = true, .qos = 1};
    assert_int_equal(outbox_enqueue(&b->o, item, 10), 0);
    queue_in_store(b, 1);
    assert_true(outbox_dequeue(&b->o, b->store, &item));
    assert_null(item.msg);
    assert_false(item.is_stored);
    item_drop(&item, b->store);
    check_dequeued(b, 1);
}

/* tear_down sees that it holds nothing any more. */
static void drops_all_at_the_end(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 0; i < 100; i++) {
        struct outbox_item *item = push(&b->o, 2);
        item->ids = make_ids(i);
        queue_in_memory(b, i);
        queue_in_store(b, i);
    }
    assert_int_equal(store_log_count(b->store), 100);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 50), false);
    outbox_acknowledge(&b->o, outbox_find(&b->o, 51), true);
    outbox_fini(&b->o, b->store);
    assert_int_equal(b->o.queue_bytes, 0);
    assert_int_equal(b->o.in_flight, 0);
    assert_int_equal(store_log_count(b->store), 0);
    assert_null(outbox_find(&b->o, 1));
}

/* After a flood an idle session is small again. */
static void gives_memory_back(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 1; i <= 10000; i++) {
        push(&b->o, 1);
        queue_in_memory(b, i);
    }
    for (uint32_t i = 1; i <= 10000; i++) {
        outbox_acknowledge(&b->o, outbox_find(&b->o, (uint16_t)i), true);
        check_dequeued(b, i);
    }
    assert_in_range(mem_bytes(MEM_SESSION) - b->session, 0, 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gives_identifiers_in_order),
        TEST(frees_a_message_when_the_client_has_it),
        TEST(takes_acknowledgements_in_any_order),
        TEST(goes_around_after_65535),
        TEST(has_room_up_to_the_limit),
        TEST(stops_before_an_identifier_would_come_twice),
        TEST(sends_again_within_the_limit),
        TEST(agrees_with_a_list),
        TEST(queue_keeps_the_order_of_both_kinds),
        TEST(queue_counts_bytes),
        TEST(tells_of_a_record_that_is_gone),
        TEST(drops_all_at_the_end),
        TEST(gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
