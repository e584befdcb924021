/* How often one address may connect: burst and rate for each alone, what counts as one address, the
 * log once a minute, the fixed size of the table, and shards that ask at once. */
#include "broker/admission.h"

#include "base/mem.h"
#include "broker_test.h"

#include <pthread.h>

#define THREADS 4
#define TRIES 20000

static struct admission *table(uint32_t per_second, uint32_t burst)
{
    struct admission *a;
    assert_int_equal(admission_new(per_second, burst, &a), 0);
    return a;
}

static struct net_address address(const char *text)
{
    struct net_address a;
    assert_int_equal(net_address_parse(span_str(text), NULL, &a), 0);
    return a;
}

/* How many of `tries` at `now_ms` are let in; adds the lines to log to *lines. */
static int take(struct admission *a, const char *text, int64_t now_ms, int tries, int *lines)
{
    struct net_address peer = address(text);
    int taken = 0;
    for (int i = 0; i < tries; i++) {
        bool must_log = false;
        taken += admission_take(a, &peer, now_ms, &must_log);
        *lines += must_log;
    }
    return taken;
}

static void limits_each_address_alone(void **state)
{
    (void)state;
    struct admission *a = table(10, 30);
    int lines = 0;
    assert_int_equal(take(a, "10.0.0.1:1000", 1000, 100, &lines), 30);
    assert_int_equal(take(a, "10.0.0.1:2000", 1000, 100, &lines), 0); /* the port is no matter */
    assert_int_equal(take(a, "10.0.0.2:1000", 1000, 100, &lines), 30);
    assert_int_equal(take(a, "10.0.0.1:1000", 2000, 100, &lines), 10);
    admission_free(&a);
}

static void takes_a_network_of_ipv6_as_one(void **state)
{
    (void)state;
    struct admission *a = table(1, 5);
    int lines = 0;
    assert_int_equal(take(a, "[2001:db8:1:2::1]:1", 1000, 10, &lines), 5);
    assert_int_equal(take(a, "[2001:db8:1:2:3:4:5:6]:1", 1000, 10, &lines), 0);
    assert_int_equal(take(a, "[2001:db8:1:3::1]:1", 1000, 10, &lines), 5);
    /* What a socket for both tells of IPv4 is the address itself. */
    assert_int_equal(take(a, "10.0.0.1:1", 1000, 10, &lines), 5);
    assert_int_equal(take(a, "[::ffff:10.0.0.1]:1", 1000, 10, &lines), 0);
    assert_int_equal(take(a, "[::ffff:10.0.0.2]:1", 1000, 10, &lines), 5);
    admission_free(&a);
}

static void logs_once_a_minute(void **state)
{
    (void)state;
    struct admission *a = table(1, 1);
    int lines = 0;
    (void)take(a, "10.0.0.1:1", 100000, 1, &lines);
    assert_int_equal(lines, 0);
    (void)take(a, "10.0.0.1:1", 100000, 1000, &lines);
    (void)take(a, "10.0.0.1:1", 159000, 1000, &lines);
    assert_int_equal(lines, 1);
    (void)take(a, "10.0.0.1:1", 160001, 1000, &lines);
    assert_int_equal(lines, 2);
    (void)take(a, "10.0.0.2:1", 160001, 1000, &lines);
    assert_int_equal(lines, 3);
    admission_free(&a);
}

/* A million addresses cost no more memory than one, and one that comes all the time among them is
 * still held. */
static void has_a_fixed_size(void **state)
{
    (void)state;
    int64_t empty = mem_bytes(MEM_NET);
    struct admission *a = table(1, 10);
    int64_t before = mem_bytes(MEM_NET);
    assert_in_range(before - empty, 1, 256 * 1024);
    int lines = 0, taken = 0;
    struct net_address peer = address("10.0.0.1:1");
    for (uint32_t i = 0; i < 1000000; i++) {
        bool must_log;
        peer.v4.sin_addr.s_addr = i;
        assert_true(admission_take(a, &peer, 1000, &must_log));
        if (i % 10 == 0)
            taken += take(a, "192.0.2.1:1", 1000, 1, &lines);
    }
    assert_in_range(taken, 10, 20);
    assert_int_equal(mem_bytes(MEM_NET), before);
    admission_free(&a);
    assert_int_equal(mem_bytes(MEM_NET), empty);
}

static void lets_everyone_in_without_a_rate(void **state)
{
    (void)state;
    struct admission *a = table(0, 10);
    int lines = 0;
    assert_null(a);
    assert_int_equal(take(a, "10.0.0.1:1", 1000, 1000, &lines), 1000);
    admission_free(&a);
    /* Nor is somebody limited who has no address. */
    a = table(1, 1);
    struct net_address none = {0};
    for (int i = 0; i < 100; i++) {
        bool must_log;
        assert_true(admission_take(a, &none, 1000, &must_log));
    }
    admission_free(&a);
}

/* ---- threads ---- */

static struct admission *shared;
static atomic_int shared_taken;

static void *ask(void *arg)
{
    struct net_address peer = address("10.0.0.1:1");
    (void)arg;
    for (int i = 0; i < TRIES; i++) {
        bool must_log;
        if (admission_take(shared, &peer, 1000, &must_log))
            atomic_fetch_add(&shared_taken, 1);
    }
    return NULL;
}

static void counts_right_over_shards(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int lines = 0;
    shared = table(1000, 5000);
    atomic_store(&shared_taken, 0);
    /* Its place is made before they race for it. */
    assert_int_equal(take(shared, "10.0.0.1:1", 1000, 1, &lines), 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared_taken), 4999);
    admission_free(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_each_address_alone),
        cmocka_unit_test(takes_a_network_of_ipv6_as_one),
        cmocka_unit_test(logs_once_a_minute),
        cmocka_unit_test(has_a_fixed_size),
        cmocka_unit_test(lets_everyone_in_without_a_rate),
        cmocka_unit_test(counts_right_over_shards),
    };
    hash_seed();
    return cmocka_run_group_tests_name("broker/admission", tests, NULL, NULL);
}
