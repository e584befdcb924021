"""The hand-shakes of QoS 1 and 2 (3.4 to 3.7, 4.3, 4.6), packet identifiers (2.2.1)."""

import time

import mqttwire
from harness import check_equal
from mqttwire import (PUBACK, PUBCOMP, PUBREC, PUBREL, V31, V5, Cursor, ack_packet, packet,
                      publish_packet)
from suite import case, expect_end, leave, payloads, vanish

RECEIPTS = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}  # MQTT 5.0 3.4.2.1, 3.5.2.1
RELEASES = {0x00, 0x92}  # 3.6.2.1, 3.7.2.1
UNKNOWN_ID = 999


def ack(kind, packet_id, code):
    return packet(kind, 2 if kind == PUBREL else 0, packet_id.to_bytes(2, 'big') + bytes([code]))


def send_publish(t, client, qos, packet_id, payload='x', dup=False):
    client.send(publish_packet(t.version, t.topic(), payload, qos, False, dup, packet_id))


def answer_of(client, kind):
    return client.decode_ack(client.wait(kind))


# ---- identifiers ----

@case('3.1.1 MQTT-2.3.1-1', '5.0 MQTT-2.2.1-3')
def packet_identifier_0_closes(t):
    for data in (publish_packet(t.version, t.topic(), 'x', 1),
                 publish_packet(t.version, t.topic(), 'x', 2),
                 mqttwire.subscribe_packet(t.version, 0, [(t.topic(), 0)]),
                 mqttwire.unsubscribe_packet(t.version, 0, [t.topic()])):
        client = t.client()
        client.send(data)
        expect_end(client, 0x82)


@case('3.1.1 MQTT-2.3.1-4', '5.0 MQTT-2.2.1-4', '5.0 MQTT-4.3.2-1', '5.0 MQTT-4.3.3-1')
def identifiers_of_the_server_are_unused_ones(t):
    """Those in flight differ, none is 0, and one comes back only when its exchange is over."""
    client, publisher = t.client(auto_ack=False), t.client('b')
    client.subscribe((t.topic(), 2))
    in_flight = {}
    for number in range(40):
        publisher.publish(t.topic(), str(number), 1 + number % 2)
        message = client.recv()
        assert message.packet_id and message.packet_id not in in_flight, (message, in_flight)
        in_flight[message.packet_id] = message.qos
        if number % 4 == 3:
            packet_id = next(i for i, qos in in_flight.items() if qos == 1)
            client.send(ack_packet(PUBACK, packet_id))
            del in_flight[packet_id]


@case('3.1.1 MQTT-2.3.1-5', '5.0 MQTT-2.2.1-2')
def qos_0_has_no_identifier(t):
    """The packet to the byte: topic, properties where there are some, payload."""
    client = t.client()
    client.subscribe((t.topic(), 1))
    t.client('b').publish(t.topic(), b'\x12\x34payload', 0)
    cursor = Cursor(client.read_packet().body)
    check_equal(cursor.text(), t.topic())
    cursor.properties(t.version)
    check_equal(cursor.rest(), b'\x12\x34payload')


@case('3.1.1 MQTT-2.3.1-6', '5.0 MQTT-2.2.1-5')
def acknowledgements_repeat_the_identifier(t):
    client = t.client(auto_ack=False)
    for packet_id in (1, 0x1234, 65535):
        send_publish(t, client, 1, packet_id)
        check_equal(answer_of(client, PUBACK).packet_id, packet_id)
        send_publish(t, client, 2, packet_id)
        check_equal(answer_of(client, PUBREC).packet_id, packet_id)
        client.send(ack_packet(PUBREL, packet_id))
        check_equal(answer_of(client, PUBCOMP).packet_id, packet_id)
    client.subscribe((t.topic(), 2))
    t.client('b').publish(t.topic(), 'x', 2)
    packet_id = client.recv().packet_id
    client.send(ack_packet(PUBREC, packet_id))
    check_equal(answer_of(client, PUBREL).packet_id, packet_id)


# ---- QoS 1 ----

@case('3.1.1 MQTT-4.3.2-1', '5.0 MQTT-4.3.2-2', '5.0 MQTT-4.3.2-3')
def qos_1_sender(t):
    """DUP 0 at first; unacknowledged until its PUBACK, not for another one."""
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 1))
    t.client('b').publish(t.topic(), 'x', 1)
    message = client.recv()
    check_equal((message.qos, message.dup), (1, False))
    client.send(ack_packet(PUBACK, UNKNOWN_ID))
    client.ping()
    vanish(client)
    client = t.client(**t.lasting())
    again = client.recv()
    check_equal((again.packet_id, again.dup), (message.packet_id, True))
    client.ping()
    leave(client)
    client = t.client(**t.lasting())
    client.ping()
    check_equal(client.inbox, [], 'it was acknowledged')


@case('3.1.1 MQTT-4.3.2-2', '5.0 MQTT-4.3.2-4', '5.0 MQTT-4.3.2-5')
def qos_1_receiver(t):
    """After PUBACK the same identifier is a new message, with DUP or without."""
    watcher, client = t.watch(t.topic(), name='b'), t.client()
    for number, dup in enumerate((False, True, True, False)):
        send_publish(t, client, 1, 5, str(number), dup)
        check_equal(answer_of(client, PUBACK).packet_id, 5)
    check_equal(payloads(t.drain(client, watcher)), [b'0', b'1', b'2', b'3'])


@case('5.0 MQTT-3.4.2-1')
def puback_reasons(t):
    """The hub's are listed ones: matched, no subscriber, refused. Others are not taken."""
    watcher, client = t.watch(t.topic(), name='b'), t.client(auto_ack=False)
    codes = [client.publish(topic, 'x', 1).code
             for topic in (t.topic(), t.topic('nobody'), 'flespi/message/x')]
    assert codes[0] == 0 and codes[1] in (0, 0x10) and codes[2] == 0x87, codes
    check_equal(len(t.drain(client, watcher)), 1)
    for code in (0x01, 0x92, 0x81, 0xFF):
        client = t.client(auto_ack=False)
        client.send(ack(PUBACK, 1, code))
        expect_end(client, (0x81, 0x82))


# ---- QoS 2 ----

@case('3.1.1 MQTT-4.3.3-1', '5.0 MQTT-4.3.3-2', '5.0 MQTT-4.3.3-3', '5.0 MQTT-4.3.3-4',
      '5.0 MQTT-4.3.3-5', '5.0 MQTT-4.3.3-6')
def qos_2_sender(t):
    """PUBLISH again until PUBREC, then PUBREL again until PUBCOMP, and PUBLISH never more."""
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 2))
    t.client('b').publish(t.topic(), 'x', 2)
    message = client.recv()
    check_equal((message.qos, message.dup), (2, False))
    vanish(client)
    client = t.client(auto_ack=False, **t.lasting())
    again = client.recv()
    check_equal((again.packet_id, again.dup), (message.packet_id, True))
    client.send(ack_packet(PUBREC, message.packet_id))
    check_equal(answer_of(client, PUBREL).packet_id, message.packet_id)
    for _ in range(2):
        vanish(client)
        client = t.client(auto_ack=False, **t.lasting())
        check_equal(answer_of(client, PUBREL).packet_id, message.packet_id)
        client.ping()
        check_equal(client.inbox, [], 'no PUBLISH after PUBREL')
    client.send(ack_packet(PUBCOMP, message.packet_id))
    client.ping()
    vanish(client)
    client = t.client(auto_ack=False, **t.lasting())
    client.ping()
    check_equal((client.inbox, client.pending), ([], []))


@case('5.0 MQTT-4.3.3-7', is_slow=True)
def expiry_does_not_end_a_delivery(t):
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 2))
    t.client('b').publish(t.topic(), 'x', 2, properties={'message_expiry': 1})
    message = client.recv()
    time.sleep(1.3)
    vanish(client)
    client = t.client(**t.lasting())
    check_equal(client.recv().packet_id, message.packet_id)


@case('3.1.1 MQTT-4.3.3-2', '5.0 MQTT-4.3.3-8', '5.0 MQTT-4.3.3-10', '5.0 MQTT-4.3.3-11',
      '5.0 MQTT-4.3.3-12')
def qos_2_receiver(t):
    """Once onward however often it comes before PUBREL, over a lost connection too."""
    watcher, client = t.watch(t.topic(), name='b'), t.client(**t.lasting())
    for dup in (False, True, False):
        send_publish(t, client, 2, 5, 'one', dup)
        check_equal(answer_of(client, PUBREC).packet_id, 5)
    vanish(client)
    client = t.client(**t.lasting())
    send_publish(t, client, 2, 5, 'one', True)
    check_equal(answer_of(client, PUBREC).packet_id, 5)
    client.send(ack_packet(PUBREL, 5))
    check_equal(answer_of(client, PUBCOMP).packet_id, 5)
    for dup in (False, True):
        send_publish(t, client, 2, 5, 'new', dup)
        client.wait(PUBREC)
    client.send(ack_packet(PUBREL, 5))
    client.wait(PUBCOMP)
    check_equal(payloads(t.drain(client, watcher)), [b'one', b'new'])


@case('5.0 MQTT-4.3.3-9')
def identifier_is_new_after_a_refusal(t):
    watcher, client = t.watch(t.topic(), name='b'), t.client()
    client.send(publish_packet(V5, 'flespi/message/x', 'x', 2, packet_id=5))
    check_equal(answer_of(client, PUBREC).code, 0x87)
    send_publish(t, client, 2, 5, 'new')
    check_equal(answer_of(client, PUBREC).code, 0)
    client.send(ack_packet(PUBREL, 5))
    client.wait(PUBCOMP)
    check_equal(payloads(t.drain(client, watcher)), [b'new'])


@case('5.0 MQTT-4.3.3-13', is_slow=True)
def expired_exchange_goes_on(t):
    """The hub received it, its time is over, and PUBREL is still answered with success."""
    client = t.client()
    client.send(publish_packet(V5, t.topic(), 'x', 2, packet_id=5,
                               properties={'message_expiry': 1}))
    client.wait(PUBREC)
    time.sleep(1.2)
    client.send(ack_packet(PUBREL, 5))
    check_equal(answer_of(client, PUBCOMP)[1:3], (5, 0))


@case('5.0 MQTT-3.5.2-1', '5.0 MQTT-3.7.2-1')
def pubrec_and_pubcomp_reasons(t):
    client = t.client(auto_ack=False)
    for packet_id, topic in enumerate((t.topic(), 'flespi/message/x'), 1):
        client.send(publish_packet(V5, topic, 'x', 2, packet_id=packet_id))
        code = answer_of(client, PUBREC).code
        assert code in RECEIPTS, f'{code:#04x}'
    for packet_id, wanted in ((1, 0), (UNKNOWN_ID, 0x92)):
        client.send(ack_packet(PUBREL, packet_id))
        check_equal(answer_of(client, PUBCOMP).code, wanted)
    for kind in (PUBREC, PUBCOMP):
        for code in (0x01, 0x81, 0xFF):
            client = t.client(auto_ack=False)
            client.send(ack(kind, 1, code))
            expect_end(client, (0x81, 0x82))


@case('5.0 MQTT-3.6.2-1')
def pubrel_reasons(t):
    client = t.client(auto_ack=False)
    client.send(ack_packet(PUBREC, UNKNOWN_ID))
    assert answer_of(client, PUBREL).code in RELEASES
    for code in (0x01, 0x80, 0xFF):
        client = t.client(auto_ack=False)
        client.send(ack(PUBREL, 1, code))
        expect_end(client, (0x81, 0x82))


@case('3.1.1 MQTT-3.6.1-1', '5.0 MQTT-3.6.1-1')
def pubrel_flags(t):
    """MQTT 3.1 sets DUP on a PUBREL that is sent again, and allows whatever it calls unused."""
    for flags in (0, 1, 3, 4, 6) + (() if t.version == V31 else (10,)):
        client = t.client()
        client.send(packet(PUBREL, flags, b'\0\1'))
        expect_end(client, 0x81)


@case('5.0 MQTT-3.4.2-2', '5.0 MQTT-3.4.2-3', '5.0 MQTT-3.5.2-2', '5.0 MQTT-3.5.2-3',
      '5.0 MQTT-3.6.2-2', '5.0 MQTT-3.6.2-3', '5.0 MQTT-3.7.2-2', '5.0 MQTT-3.7.2-3')
def acknowledgements_fit_the_client(t):
    """What may be left out is: no acknowledgement is larger than the client takes."""
    limit = 30
    client = t.client(auto_ack=False, properties={'maximum_packet_size': limit})
    client.send(publish_packet(V5, 'flespi/message/x', 'x', 1, packet_id=1)
                + publish_packet(V5, 'flespi/message/x', 'x', 2, packet_id=2)
                + ack_packet(PUBREC, UNKNOWN_ID) + ack_packet(PUBREL, UNKNOWN_ID))
    for kind, code in ((PUBACK, 0x87), (PUBREC, 0x87), (PUBREL, 0x92), (PUBCOMP, 0x92)):
        got = client.wait(kind)
        size = len(packet(kind, 0, got.body))
        check_equal((size <= limit, client.decode_ack(got).code), (True, code), f'{kind}: {size}')


@case('3.1.1 MQTT-4.6.0-1', '3.1.1 MQTT-4.6.0-2', '3.1.1 MQTT-4.6.0-3', '3.1.1 MQTT-4.6.0-4',
      '5.0 MQTT-4.6.0-1', '5.0 MQTT-4.6.0-2', '5.0 MQTT-4.6.0-3', '5.0 MQTT-4.6.0-4')
def acknowledgements_and_resends_keep_the_order(t):
    """Written for clients; the hub, which plays the same part, keeps to it."""
    client, ids = t.client(auto_ack=False, **t.lasting()), [7, 3, 65535, 1, 9]
    for qos, answer in ((1, PUBACK), (2, PUBREC)):
        client.send(b''.join(publish_packet(t.version, t.topic('in'), 'x', qos, packet_id=i)
                             for i in ids))
        check_equal([answer_of(client, answer).packet_id for _ in ids], ids)
    client.subscribe((t.topic(), 2))
    publisher = t.client('b')
    for number in range(8):
        publisher.publish(t.topic(), str(number), 1 + number % 2)
    first = [client.recv() for _ in range(8)]
    received = [m.packet_id for m in first if m.qos == 2]
    vanish(client)
    client = t.client(auto_ack=False, **t.lasting())
    check_equal(payloads([client.recv() for _ in range(8)]), payloads(first))
    client.send(b''.join(ack_packet(PUBREC, i) for i in received))
    check_equal([answer_of(client, PUBREL).packet_id for _ in received], received)
