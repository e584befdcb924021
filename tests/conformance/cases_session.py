"""Sessions, goodbyes and pings (3.12, 3.14, 4.1), and the client's Maximum Packet Size."""

import time

import mqttwire
from harness import check_equal, wait_until
from mqttwire import DISCONNECT, PINGREQ, PINGRESP, PUBLISH, V5, Cursor, Will, packet
from suite import ALL, case, expect_closed, expect_end, leave, payloads, vanish

# MQTT 5.0 3.14.2.1: those that a server may send.
DISCONNECT_CODES = {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90,
                    0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F,
                    0xA0, 0xA1, 0xA2}


@case('3.1.1 MQTT-4.1.0-1', '5.0 MQTT-4.1.0-1')
def session_lasts_while_connected(t):
    """However short it is to outlive the connection."""
    client = t.client(clean=True)
    client.subscribe(t.topic(), qos=1)
    publisher = t.client('b')
    for number in range(20):
        publisher.publish(t.topic(), str(number), 1)
        check_equal(client.recv().payload, b'%d' % number)


@case('3.1.1 MQTT-4.1.0-2', versions=ALL, is_slow=True)
def session_lasts_as_long_as_its_connection(t):
    """An expiry interval begins when the connection ends."""
    client = t.client(**t.lasting(1))
    client.subscribe(t.topic(), qos=1)
    time.sleep(2.2)
    t.client('b').publish(t.topic(), 'x', 1)
    check_equal(client.recv().payload, b'x')


@case('5.0 MQTT-4.1.0-2', is_slow=True)
def session_ends_when_its_interval_has_passed(t):
    """Without an interval it ends at once."""
    for seconds in (0, 1):
        client = t.client('a', **t.lasting(seconds))
        client.subscribe(t.topic(), qos=1)
        start = time.monotonic()
        leave(client)
        time.sleep(1.6 * seconds)
        client, connack = t.sign_in('a', **t.lasting(seconds))
        passed = time.monotonic() - start
        check_equal(connack.session_present, False, f'{seconds} s, after {passed:.1f} s')
    leave(client)
    client, connack = t.sign_in('a', **t.lasting(30))
    check_equal(connack.session_present, True, 'the interval has not passed')


@case('3.1.1 MQTT-3.12.4-1', '5.0 MQTT-3.12.4-1')
def ping_is_answered(t):
    client = t.client()
    client.send(packet(PINGREQ, 0, b'') * 10)
    check_equal([client.read_packet() for _ in range(10)], [(PINGRESP, 0, b'')] * 10)


@case('5.0 MQTT-3.14.0-1', versions=ALL)
def no_disconnect_before_connack(t):
    for data in (b'\xf0\x00', b'\x10\x00', b'\x00\x00', packet(PINGREQ, 0, b''),
                 t.connect_bytes(username='x' * 64), t.connect_bytes()[:-1] + b'\xff'):
        client = t.open()
        client.send(data)
        expect_closed(client)
        kinds = [client.data[0] >> 4] if client.data else []
        assert DISCONNECT not in kinds, client.data.hex()


@case('3.1.1 MQTT-3.14.1-1', '5.0 MQTT-3.14.1-1')
def disconnect_flags(t):
    """Not a goodbye, so the will goes out."""
    watcher = t.watch(t.topic('will'), name='b')
    for flags in (1, 2, 8):
        client = t.client(will=Will(t.topic('will'), str(flags), 1))
        client.send(packet(DISCONNECT, flags, b''))
        expect_end(client, 0x81)
        check_equal(watcher.recv().payload, b'%d' % flags)


@case('5.0 MQTT-3.14.2-1', '5.0 MQTT-3.14.2-2')
def disconnect_reasons(t):
    """The server's are listed ones, without a session expiry; others of a client are refused."""
    bodies = []
    for data in (b'\xc1\x00', t.connect_bytes(), mqttwire.publish_packet(V5, 'a/+', 'x'),
                 mqttwire.publish_packet(V5, '', 'x', properties={'topic_alias': 65535}),
                 b'\x30\xff\xff\xff\x7f', packet(DISCONNECT, 0, b'\x8e\0'),
                 packet(DISCONNECT, 0, b'\x01\0'), packet(DISCONNECT, 0, b'\x42\0')):
        client = t.client(**t.lasting())
        client.send(data)
        bodies.append(client.wait(DISCONNECT).body)
        expect_closed(client)
    old, new = t.client(), t.client()
    bodies.append(old.wait(DISCONNECT).body)
    new.ping()
    for body in bodies:
        cursor = Cursor(body)
        assert cursor.number(1) in DISCONNECT_CODES - {0}, body.hex()
        assert 'session_expiry' not in cursor.properties(V5), body.hex()


@case('5.0 MQTT-3.14.2-3', '5.0 MQTT-3.14.2-4')
def disconnect_fits_the_client(t):
    for limit in (30, 100):
        client = t.client(properties={'maximum_packet_size': limit})
        client.send(t.connect_bytes())
        got = client.wait(DISCONNECT)
        size = len(packet(DISCONNECT, 0, got.body))
        assert size <= limit and got.body[0] == 0x82, f'{size}: {got.body!r}'


@case('3.1.1 MQTT-3.14.4-2', '5.0 MQTT-3.14.4-1', '5.0 MQTT-3.14.4-2')
def nothing_after_disconnect(t):
    """Neither is anything behind a client's goodbye processed, nor does anything follow the
    server's; whoever says it, the server closes."""
    watcher = t.watch(t.topic(), name='b')
    client = t.client()
    client.send(packet(DISCONNECT, 0, b'') + mqttwire.publish_packet(t.version, t.topic(), 'x', 0))
    expect_closed(client)
    check_equal((client.data, t.drain(t.client(), watcher)), (b'', []))
    client = t.client('c')
    client.subscribe(t.topic(), qos=0)
    client.send(t.connect_bytes('c')
                + mqttwire.publish_packet(t.version, t.topic(), 'y', 0) + packet(PINGREQ, 0, b''))
    expect_end(client, 0x82)
    check_equal((client.inbox, t.drain(t.client(), watcher)), ([], []))


@case('3.1.1 MQTT-3.14.4-3', '5.0 MQTT-3.14.4-3')
def goodbye_discards_the_will(t):
    watcher = t.watch(t.topic('will'), name='b')
    for body in (b'',) if t.version != V5 else (b'', b'\0', b'\0\0'):
        client = t.client(will=Will(t.topic('will'), 'never', 1))
        client.send(packet(DISCONNECT, 0, body))
        expect_closed(client)
        check_equal(t.drain(t.client(), watcher), [])


# ---- what the client cannot take ----

@case('5.0 MQTT-3.1.2-24')
def nothing_larger_than_the_client_takes(t):
    """To the byte: 2 of fixed header, the topic with its length, 1 of property length."""
    client = t.client(auto_ack=False, properties={'maximum_packet_size': 100})
    client.subscribe((t.topic(), 0), (t.topic('$end'), 0))
    publisher, fits = t.client('b'), 100 - 2 - 2 - len(t.topic()) - 1
    for size in (fits + 1, fits, 5000, fits + 20, 70000):
        publisher.publish(t.topic(), 'x' * size)
    publisher.publish(t.topic('$end'))
    sizes = []
    while True:
        got = client.read_packet()
        sizes.append(len(packet(PUBLISH, 0, got.body)))
        if client.decode_publish(got).topic == t.topic('$end'):
            break
    check_equal(sizes[:-1], [100])


@case('5.0 MQTT-3.2.2-15', versions=ALL)
def larger_than_the_server_takes(t):
    """Closed at the fixed header. 3.x is not told the limit and has it all the same."""
    most = t.sign_in(version=V5)[1].properties['maximum_packet_size']
    client = t.client('b')
    client.send(b'\x30' + mqttwire.varint(most + 1))
    expect_end(client, 0x95)


@case('5.0 MQTT-3.1.2-25')
def too_large_counts_as_delivered(t):
    """It is dropped for this client, keeps no place in its window, and others get it."""
    client = t.client(auto_ack=False,
                      properties={'maximum_packet_size': 100, 'receive_maximum': 1})
    client.subscribe(t.topic(), qos=2)
    other, publisher = t.watch(t.topic(), name='other'), t.client('b')
    for qos in (1, 2, 2, 1):
        publisher.publish(t.topic(), 'x' * 200, qos)
    publisher.publish(t.topic(), 'small', 1)
    check_equal(client.recv().payload, b'small')
    check_equal(len(t.drain(publisher, other)), 5)


@case('5.0 MQTT-3.1.2-26', '5.0 MQTT-3.3.2-11')
def aliases_within_the_clients_maximum(t):
    """Topics of more kinds than aliases: every message is understood, no alias is above."""
    client = t.client(properties={'topic_alias_maximum': 2})
    client.subscribe((t.topic('#'), 1))
    publisher, known = t.client('b'), {}
    for number in range(12):
        publisher.publish(t.topic(number % 4), str(number), 1)
        message = client.recv()
        alias = message.properties.get('topic_alias')
        assert alias is None or 1 <= alias <= 2, alias
        if alias and message.topic:
            known[alias] = message.topic
        check_equal(message.topic or known[alias], t.topic(number % 4), str(number))


@case('5.0 MQTT-3.1.2-27')
def no_aliases_to_who_takes_none(t):
    publisher = t.client('b')
    for properties in ({}, {'topic_alias_maximum': 0}):
        client = t.client(properties=properties)
        client.subscribe(t.topic(), qos=1)
        for _ in range(3):
            publisher.publish(t.topic(), 'x', 1)
            message = client.recv()
            assert 'topic_alias' not in message.properties and message.topic == t.topic(), message


# ---- resuming ----

@case('3.1.1 MQTT-4.4.0-1', '5.0 MQTT-4.4.0-1')
def unacknowledged_is_sent_again(t):
    """PUBLISH with DUP and PUBREL, under their identifiers, in their order; not before."""
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 2))
    publisher = t.client('b')
    for number, qos in enumerate((1, 2, 2, 1)):
        publisher.publish(t.topic(), str(number), qos)
    first = [client.recv() for _ in range(4)]
    client.send(mqttwire.ack_packet(mqttwire.PUBREC, first[1].packet_id))
    client.wait(mqttwire.PUBREL)
    client.ping()
    check_equal((client.inbox, client.pending), ([], []), 'nothing goes twice on a connection')
    vanish(client)
    client = t.client(auto_ack=False, **t.lasting())
    release = client.decode_ack(client.wait(mqttwire.PUBREL))
    check_equal(release.packet_id, first[1].packet_id)
    again = [client.recv() for _ in range(3)]
    check_equal([(m.packet_id, m.payload, m.qos, m.dup) for m in again],
                [(m.packet_id, m.payload, m.qos, True) for m in (first[0], *first[2:])])
    client.ping()
    check_equal(client.inbox, [])


@case('5.0 MQTT-4.4.0-2')
def refused_is_not_sent_again(t):
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 2))
    publisher = t.client('b')
    publisher.publish(t.topic(), 'one', 1)
    publisher.publish(t.topic(), 'two', 2)
    for kind in (mqttwire.PUBACK, mqttwire.PUBREC):
        client.send(packet(kind, 0, client.recv().packet_id.to_bytes(2, 'big') + b'\x80'))
    client.ping()
    vanish(client)
    client = t.client(**t.lasting())
    client.ping()
    check_equal((client.inbox, client.pending), ([], []))


@case('3.1.1 MQTT-4.5.0-1', '5.0 MQTT-4.5.0-1')
def accepted_messages_join_every_matching_session(t):
    away = t.client('away', **t.lasting())
    away.subscribe((t.topic('+'), 1))
    leave(away)
    here, other = t.watch(t.topic('#')), t.watch(t.topic('other'), name='other')
    publisher = t.client('b')
    publisher.publish(t.topic('x'), 'x', 1)
    check_equal(payloads(t.drain(publisher, here)), [b'x'])
    check_equal(t.drain(publisher, other), [])
    check_equal(t.client('away', **t.lasting()).recv().payload, b'x')


@case('3.1.1 MQTT-7.1.1-1', '5.0 MQTT-4.2-1')
def the_stream_keeps_order_and_loses_nothing(t):
    client = t.client()
    client.subscribe(t.topic(), qos=0)
    blocks = [bytes([n]) * size for n, size in enumerate((1, 70000, 127, 128, 16383, 200000, 2))]
    for data in blocks:
        client.send(mqttwire.publish_packet(t.version, t.topic(), data))
    check_equal([client.recv().payload == data for data in blocks], [True] * len(blocks))


@case('3.1.1 MQTT-4.8.0-1', '5.0 MQTT-4.13.1-1')
def violation_closes_its_own_connection(t):
    """And no other."""
    others = [t.client(name) for name in ('x', 'y')]
    for data in (b'\x36\0', b'\x00\x00', b'\x82\x02\0\1', mqttwire.ack_packet(mqttwire.PUBACK, 0),
                 t.connect_bytes()):
        client = t.client()
        client.send(data)
        expect_closed(client)
    for other in others:
        other.ping()
    wait_until(lambda: t.server.process.process.poll() is None, 'the hub lives')
