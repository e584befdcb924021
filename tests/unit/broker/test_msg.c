/* The shared message of a publication, and which properties travel with it. */
#include "broker/msg.h"

#include "broker_test.h"

/* A property block as a client sends it, put together by hand. */
static struct mqtt_publish decode(struct buf *packet, struct span properties)
{
    struct buf body = buf_make(MEM_BASE, 1 << 20);
    buf_add_u16be(&body, 1);
    buf_add_str(&body, "t");
    assert_true(properties.n < 128);
    buf_add_u8(&body, (uint8_t)properties.n);
    buf_add_span(&body, properties);
    buf_add_str(&body, "payload");
    buf_add_u8(packet, MQTT_PUBLISH << 4);
    assert_true(body.n < 128);
    buf_add_u8(packet, (uint8_t)body.n);
    buf_add_span(packet, buf_span(&body));
    buf_fini(&body);
    struct mqtt_frame f;
    struct mqtt_publish p;
    assert_true(mqtt_frame(buf_span(packet), 1 << 20, &f) > 0);
    assert_int_equal(mqtt_decode_publish(&f, MQTT_5_0, true, &p), 0);
    return p;
}

#define USER_A                                                                                     \
    "\x26\0\1a\0\1"                                                                                \
    "1"
#define USER_B "\x26\0\1b\0\0"
#define FORMAT "\x01\x01"
#define EXPIRY "\x02\0\0\0\x3c"
#define CONTENT_TYPE "\x03\0\4text"
#define RESPONSE "\x08\0\5reply"
#define CORRELATION "\x09\0\3\0\xff\1"
#define ALIAS "\x23\0\5"

static void check_forwarded(struct span sent, struct span expected)
{
    struct buf packet = buf_make(MEM_BASE, 1 << 20), out = buf_make(MEM_BASE, 1 << 20);
    struct mqtt_publish p = decode(&packet, sent);
    msg_put_forwarded(&p.properties, &out);
    assert_true(span_equal(buf_span(&out), expected));
    buf_fini(&out);
    buf_fini(&packet);
}

static void forwards_what_receivers_are_to_see(void **state)
{
    (void)state;
    check_forwarded(SPAN_LIT(FORMAT), SPAN_LIT(FORMAT));
    check_forwarded(SPAN_LIT(CONTENT_TYPE), SPAN_LIT(CONTENT_TYPE));
    check_forwarded(SPAN_LIT(RESPONSE), SPAN_LIT(RESPONSE));
    check_forwarded(SPAN_LIT(CORRELATION), SPAN_LIT(CORRELATION));
    check_forwarded(SPAN_LIT(FORMAT CONTENT_TYPE RESPONSE CORRELATION USER_A),
                    SPAN_LIT(FORMAT CONTENT_TYPE RESPONSE CORRELATION USER_A));
}

/* MQTT 5.0 3.3.2.3.7: their order is kept, and the same name may come again. */
static void keeps_the_order_of_user_properties(void **state)
{
    (void)state;
    check_forwarded(SPAN_LIT(USER_B USER_A USER_B), SPAN_LIT(USER_B USER_A USER_B));
    check_forwarded(SPAN_LIT(USER_A ALIAS USER_A EXPIRY USER_B), SPAN_LIT(USER_A USER_A USER_B));
}

/* The alias is the sender's, and the expiry is told anew to each receiver. */
static void keeps_back_alias_and_expiry(void **state)
{
    (void)state;
    check_forwarded(SPAN_LIT(ALIAS), SPAN_LIT(""));
    check_forwarded(SPAN_LIT(EXPIRY ALIAS), SPAN_LIT(""));
    check_forwarded(SPAN_LIT(EXPIRY FORMAT ALIAS), SPAN_LIT(FORMAT));
    check_forwarded(SPAN_LIT(""), SPAN_LIT(""));
}

static void puts_a_user_property(void **state)
{
    (void)state;
    struct buf out = buf_make(MEM_BASE, 100);
    msg_put_user_property(&out, SPAN_LIT("a"), SPAN_LIT("1"));
    msg_put_user_property(&out, SPAN_LIT("b"), SPAN_LIT(""));
    assert_true(span_equal(buf_span(&out), SPAN_LIT(USER_A USER_B)));
    buf_fini(&out);
}

static void copies_a_publication_once(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_MESSAGE);
    char topic[] = "topic", payload[] = "payload";
    struct publication p = {
        .topic = span_str(topic),
        .properties = SPAN_LIT(USER_A),
        .payload = span_str(payload),
        .expires_ms = 1234,
        .qos = 2,
    };
    struct msg *m = publication_msg(&p);
    assert_non_null(m);
    assert_ptr_equal(publication_msg(&p), m);
    memset(topic, 'x', 5);
    memset(payload, 'x', 7);
    assert_true(span_equal(msg_topic(m), SPAN_LIT("topic")));
    assert_true(span_equal(msg_properties(m), SPAN_LIT(USER_A)));
    assert_true(span_equal(msg_payload(m), SPAN_LIT("payload")));
    assert_int_equal(msg_bytes(m), 5 + sizeof(USER_A) - 1 + 7);
    assert_int_equal(m->expires_ms, 1234);
    assert_int_equal(m->qos, 2);

    struct publication again = publication_of(m);
    publication_fini(&p);
    assert_null(p.msg);
    /* The message lives by the second reference. */
    assert_ptr_equal(publication_msg(&again), m);
    assert_true(span_equal(again.topic, SPAN_LIT("topic")));
    assert_true(span_equal(again.properties, SPAN_LIT(USER_A)));
    assert_true(span_equal(again.payload, SPAN_LIT("payload")));
    assert_int_equal(again.expires_ms, 1234);
    assert_int_equal(again.qos, 2);
    publication_fini(&again);
    assert_int_equal(mem_bytes(MEM_MESSAGE), before);
}

/* Nobody needed the message: nothing was made. */
static void makes_none_unasked(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_MESSAGE);
    struct publication p = {.topic = SPAN_LIT("t")};
    publication_fini(&p);
    assert_int_equal(mem_bytes(MEM_MESSAGE), before);
    struct msg *m = publication_msg(&p);
    assert_int_equal(msg_bytes(m), 1);
    assert_int_equal(msg_payload(m).n, 0);
    assert_int_equal(msg_properties(m).n, 0);
    publication_fini(&p);
    assert_int_equal(mem_bytes(MEM_MESSAGE), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_what_receivers_are_to_see),
        cmocka_unit_test(keeps_the_order_of_user_properties),
        cmocka_unit_test(keeps_back_alias_and_expiry),
        cmocka_unit_test(puts_a_user_property),
        cmocka_unit_test(copies_a_publication_once),
        cmocka_unit_test(makes_none_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
