"""QoS 2 in both directions, and acknowledgements that nobody waits for."""

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, V5
from scenario import NAMES, VERSIONS, lasting, leave, sign_in, vanish


def put(client, packet_id, payload, dup=False):
    """PUBLISH at QoS 2 and its PUBREC, no further."""
    client.send(mqttwire.publish_packet(client.version, 't', payload, 2, False, dup, packet_id))
    ack = client.decode_ack(client.wait(PUBREC))
    check_equal((ack.packet_id, ack.code), (packet_id, 0))


def release(client, packet_id):
    client.send(mqttwire.ack_packet(PUBREL, packet_id))
    ack = client.decode_ack(client.wait(PUBCOMP))
    check_equal(ack.packet_id, packet_id)
    return ack.code


def test_a_repeated_publish_is_one_message(server):
    subscriber = server.client('subscriber')
    subscriber.subscribe('t', qos=2)
    for version in VERSIONS:
        publisher, _ = sign_in(server, 'publisher', version)
        put(publisher, 7, 'once')
        put(publisher, 7, 'once', dup=True)
        put(publisher, 8, 'between')
        put(publisher, 7, 'once', dup=True)
        check_equal(release(publisher, 7), 0, NAMES[version])
        check_equal([subscriber.recv().payload for _ in range(2)], [b'once', b'between'])
        subscriber.recv_none(0.1)
        put(publisher, 7, 'the identifier is free again')
        check_equal(subscriber.recv().payload, b'the identifier is free again')
        release(publisher, 7)
        release(publisher, 8)
        leave(publisher)


def test_a_repeat_after_a_lost_connection(server):
    subscriber = server.client('subscriber')
    subscriber.subscribe('t', qos=2)
    for version in VERSIONS:
        publisher, _ = sign_in(server, 'publisher', version, **lasting(version))
        put(publisher, 100, 'once')
        vanish(publisher)
        publisher, _ = sign_in(server, 'publisher', version, **lasting(version))
        put(publisher, 100, 'once', dup=True)
        check_equal(release(publisher, 100), 0, NAMES[version])
        check_equal(subscriber.recv().payload, b'once')
        subscriber.recv_none(0.1)
        # A clean session has forgotten it: the same identifier is a new message.
        put(publisher, 100, 'forgotten')
        vanish(publisher)
        publisher, _ = sign_in(server, 'publisher', version)
        put(publisher, 100, 'new', dup=True)
        check_equal([subscriber.recv().payload for _ in range(2)], [b'forgotten', b'new'])
        leave(publisher)


def test_pubrel_of_an_unknown_identifier(server):
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        check_equal(release(client, 4711), 0x92 if version == V5 else 0, NAMES[version])
        client.ping()
        leave(client)


def test_acknowledgements_that_nobody_waits_for(server):
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, auto_ack=False)
        for packet_id in (1, 4711, 65535):
            client.send(mqttwire.ack_packet(PUBACK, packet_id))
            client.send(mqttwire.ack_packet(PUBCOMP, packet_id))
            client.send(mqttwire.ack_packet(PUBREC, packet_id))
            ack = client.decode_ack(client.wait(PUBREL))
            check_equal((ack.packet_id, ack.code), (packet_id, 0x92 if version == V5 else 0),
                        NAMES[version])
        client.ping()
        leave(client)


def test_acknowledgements_of_the_wrong_kind(server):
    """PUBACK for a QoS 2 message and the like change nothing."""
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, auto_ack=False)
        client.subscribe('t', qos=2)
        client.publish('t', 'x', 1)
        client.publish('t', 'y', 2)
        first, second = client.recv(), client.recv()
        client.send(mqttwire.ack_packet(PUBCOMP, first.packet_id))
        client.send(mqttwire.ack_packet(PUBACK, second.packet_id))
        client.send(mqttwire.ack_packet(PUBCOMP, second.packet_id))
        client.send(mqttwire.ack_packet(PUBREC, second.packet_id))
        check_equal(client.decode_ack(client.wait(PUBREL)).code, 0, NAMES[version])
        client.send(mqttwire.ack_packet(PUBCOMP, second.packet_id))
        client.send(mqttwire.ack_packet(PUBACK, first.packet_id))
        client.ping()
        leave(client)


def test_a_repeated_pubrec(server):
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, auto_ack=False)
        client.subscribe('t', qos=2)
        client.publish('t', 'x', 2)
        message = client.recv()
        for _ in range(3):
            client.send(mqttwire.ack_packet(PUBREC, message.packet_id))
            ack = client.decode_ack(client.wait(PUBREL))
            check_equal((ack.packet_id, ack.code), (message.packet_id, 0), NAMES[version])
        client.send(mqttwire.ack_packet(PUBCOMP, message.packet_id))
        client.ping()
        leave(client)


def test_a_receiver_may_refuse(server):
    """MQTT 5.0 4.3.3: PUBREC with an error ends the handshake."""
    client, _ = sign_in(server, 'client', V5, auto_ack=False, **lasting(V5))
    client.subscribe('t', qos=2)
    for payload, kind in (('a', PUBACK), ('b', PUBREC)):
        client.publish('t', payload, 1 if kind == PUBACK else 2)
        message = client.recv()
        client.send(mqttwire.packet(kind, 0, message.packet_id.to_bytes(2, 'big') + b'\x97'))
    client.ping()
    check_equal(client.pending, [], 'no PUBREL after a refusal')
    vanish(client)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    client.recv_none(0.2)


def test_the_weaker_quality_counts(server):
    for version in VERSIONS:
        for other in VERSIONS:
            client, _ = sign_in(server, 'subscriber', version)
            publisher, _ = sign_in(server, 'publisher', other)
            for asked in (0, 1, 2):
                check_equal(client.subscribe('t', qos=asked).codes, [asked])
                for sent in (0, 1, 2):
                    publisher.publish('t', f'{sent}', sent)
                    message = client.recv()
                    check_equal((message.qos, message.payload), (min(asked, sent), b'%d' % sent),
                                f'{NAMES[other]} to {NAMES[version]}')
            leave(client)
            leave(publisher)


def test_many_in_one_write_come_once_and_in_order(server):
    count = 1000
    for version in VERSIONS:
        subscriber, _ = sign_in(server, 'subscriber', version)
        subscriber.subscribe('t', qos=2)
        publisher, _ = sign_in(server, 'publisher', version)
        publisher.send(b''.join(
            mqttwire.publish_packet(version, 't', str(i), 2, False, False, i + 1)
            + mqttwire.ack_packet(PUBREL, i + 1) for i in range(count)))
        for i in range(count):
            check_equal(subscriber.recv().payload, b'%d' % i, NAMES[version])
        for i in range(count):
            check_equal(publisher.decode_ack(publisher.wait(PUBREC)).packet_id, i + 1)
            check_equal(publisher.decode_ack(publisher.wait(PUBCOMP)).packet_id, i + 1)
        subscriber.recv_none(0.1)
        leave(subscriber)
        leave(publisher)


def test_identifiers_go_around(server):
    """More messages than there are identifiers; one of the first is acknowledged last."""
    count = 70000
    subscriber, _ = sign_in(server, 'subscriber', V5, auto_ack=False)
    subscriber.subscribe('t', qos=1)
    publisher = server.client('publisher')
    held, seen, in_use = None, 0, set()
    sent = 0
    while seen < count:
        if sent < count:
            publisher.send(mqttwire.publish_packet(publisher.version, 't', b'x', 1, False, False,
                                                   1) * 500)
            sent += 500
        acks = b''
        while seen < sent:
            got = subscriber.read_packet()
            check_equal(got.type, PUBLISH)
            message = subscriber.decode_publish(got)
            assert message.packet_id and message.packet_id not in in_use, message.packet_id
            seen += 1
            if held is None:
                held = message.packet_id
                in_use.add(held)
            else:
                acks += mqttwire.ack_packet(PUBACK, message.packet_id)
            if seen % 500 == 0 or seen == sent:
                subscriber.send(acks)
                acks = b''
            if seen == 65000:  # before it would be in the way of its own identifier
                subscriber.send(mqttwire.ack_packet(PUBACK, held))
                in_use.clear()
        for _ in range(500):
            publisher.read_packet()
    subscriber.ping()
