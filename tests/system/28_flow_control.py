"""Receive Maximum and Maximum Packet Size, in both directions (MQTT 5.0 3.3.4, 3.1.2.11)."""

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBCOMP, PUBREC, PUBREL, V311, V5
from scenario import VERSIONS, expect_end, leave, sign_in, vanish


def test_never_more_in_flight_than_the_client_takes(server):
    publisher = server.client('publisher')
    for window in (1, 2, 10):
        for qos in (1, 2):
            client, _ = sign_in(server, 'client', V5, auto_ack=False,
                                properties={'receive_maximum': window})
            client.subscribe('t', qos=qos)
            for i in range(3 * window):
                publisher.publish('t', str(i), qos)
            in_flight = [client.recv() for _ in range(window)]
            client.recv_none(0.1)
            for i in range(window, 3 * window):
                # Not the oldest first.
                message = in_flight.pop(i % len(in_flight))
                if qos == 2:
                    client.send(mqttwire.ack_packet(PUBREC, message.packet_id))
                    client.wait(PUBREL)
                    client.ping()
                    check_equal(client.inbox, [], 'PUBREC makes no room')
                    client.send(mqttwire.ack_packet(PUBCOMP, message.packet_id))
                else:
                    client.send(mqttwire.ack_packet(PUBACK, message.packet_id))
                message = client.recv()
                check_equal(message.payload, b'%d' % i, f'window {window} QoS {qos}')
                in_flight.append(message)
                client.ping()
                check_equal(client.inbox, [])
            leave(client)


def test_qos_0_passes_by(server):
    publisher = server.client('publisher')
    client, _ = sign_in(server, 'client', V5, auto_ack=False, properties={'receive_maximum': 1})
    client.subscribe('t', qos=1)
    for i in range(3):
        publisher.publish('t', f'one {i}', 1)
    publisher.publish('t', 'zero', 0)
    check_equal([client.recv().payload for _ in range(2)], [b'one 0', b'zero'])
    client.recv_none(0.1)


def test_qos_0_takes_no_room(server):
    """Thousands of QoS 0 messages leave the window to the others."""
    publisher = server.client('publisher')
    client, _ = sign_in(server, 'client', V5, properties={'receive_maximum': 2})
    client.subscribe('t', qos=1)
    for i in range(50):
        publisher.send(mqttwire.publish_packet(V311, 't', 'zero') * 20)
        publisher.publish('t', str(i), 1)
    got = [client.recv() for _ in range(50 * 21)]
    check_equal([m.payload for m in got if m.qos], [b'%d' % i for i in range(50)])


def test_a_smaller_window_after_coming_back(server):
    """MQTT 5.0 3.3.4-9 holds for what is sent again, too."""
    publisher = server.client('publisher')

    def connect(window):
        return sign_in(server, 'client', V5, auto_ack=False, clean=False,
                       properties={'session_expiry': 60, 'receive_maximum': window})[0]

    client = connect(10)
    client.subscribe('t', qos=1)
    for i in range(15):
        publisher.publish('t', str(i), 1)
    check_equal(len([client.recv() for _ in range(10)]), 10)
    vanish(client)
    client = connect(2)
    seen = []
    for i in range(15):
        while len(client.inbox) < 1:
            client.inbox.append(client.recv())
        client.ping()
        assert len(client.inbox) <= 2, f'{len(client.inbox)} in flight, 2 are allowed'
        message = client.inbox.pop(0)
        seen.append(message)
        client.send(mqttwire.ack_packet(PUBACK, message.packet_id))
    check_equal([m.payload for m in seen], [b'%d' % i for i in range(15)])
    check_equal([m.dup for m in seen], [True] * 10 + [False] * 5)


def test_the_servers_maximum(server):
    """One more open than CONNACK said: 0x93. Released ones are not open."""
    client, connack = sign_in(server, 'client', V5)
    most = connack.properties['receive_maximum']
    client.send(b''.join(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, i + 1)
                         for i in range(most)))
    for i in range(most):
        check_equal(client.decode_ack(client.wait(PUBREC)).packet_id, i + 1)
    for packet_id in (1, most):
        client.send(mqttwire.ack_packet(PUBREL, packet_id))
        client.wait(PUBCOMP)
    for packet_id in (most, most + 1):
        client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, packet_id))
        client.wait(PUBREC)
    # One that is open already is no new one.
    client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, True, most))
    client.wait(PUBREC)
    client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, 1))
    expect_end(client, 0x93)


def test_3_x_has_no_such_maximum(server):
    for version in VERSIONS[:2]:
        client, _ = sign_in(server, 'client', version)
        client.send(b''.join(mqttwire.publish_packet(version, 't', 'x', 2, False, False, i + 1)
                             for i in range(5000)))
        for i in range(5000):
            check_equal(client.decode_ack(client.wait(PUBREC)).packet_id, i + 1)
        client.ping()
        leave(client)


def test_the_clients_maximum_packet_size(server):
    """A message that is too large for the client counts as delivered (MQTT 5.0 3.1.2-25); those
    behind it are not held up."""
    publisher = server.client('publisher')
    for qos in (0, 1, 2):
        client, _ = sign_in(server, 'client', V5, properties={
            'maximum_packet_size': 100, 'receive_maximum': 2})
        client.subscribe('t', qos=qos)
        # Fixed header 2, topic 3, identifier 2, properties 1.
        fits = 100 - 2 - 3 - (2 if qos else 0) - 1
        for _ in range(5):
            publisher.publish('t', 'x' * (fits + 1), qos)
            publisher.publish('t', 'y' * 1000, qos)
            publisher.publish('t', 'z' * 5000, qos)
        publisher.publish('t', 'x' * fits, qos)
        check_equal(client.recv().payload, b'x' * fits, f'QoS {qos}')
        client.recv_none(0.1)
        leave(client)


def test_too_large_after_coming_back(server):
    """In flight, or waiting, and the client takes less when it comes back."""
    publisher = server.client('publisher')

    def connect(size):
        return sign_in(server, 'client', V5, auto_ack=False, clean=False, properties={
            'session_expiry': 60, 'receive_maximum': 2, 'maximum_packet_size': size})[0]

    for qos in (1, 2):
        client = connect(10000)
        client.subscribe('t', qos=qos)
        for size in (5000, 5000, 5000, 10, 5000, 10):
            publisher.publish('t', 'x' * size, qos)
        check_equal(len([client.recv() for _ in range(2)]), 2)
        vanish(client)
        client = connect(1000)
        client.auto_ack = True
        check_equal([len(client.recv().payload) for _ in range(2)], [10, 10], f'QoS {qos}')
        publisher.publish('t', 'next', qos)
        check_equal(client.recv().payload, b'next', f'QoS {qos}')
        client.ping()
        leave(client)
        leave(sign_in(server, 'client', V5)[0])


def test_the_servers_maximum_packet_size(server):
    _, connack = sign_in(server, 'probe', V5)
    most = connack.properties['maximum_packet_size']
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        # Its header is enough to tell; and a header that says the most there can be.
        client.send(b'\x30' + mqttwire.varint(most + 1))
        expect_end(client, 0x95)
        client, _ = sign_in(server, 'client', version)
        client.send(b'\x30\xff\xff\xff\x7f')
        expect_end(client, 0x95)


def test_the_largest_packet(server):
    """As large as CONNACK allows, to the byte, and one more."""
    client, connack = sign_in(server, 'client', V5)
    most = connack.properties['maximum_packet_size']
    client.subscribe('t', qos=1)
    empty = len(mqttwire.publish_packet(V5, 't', b'x' * (most - 100), 1, False, False, 1))
    payload = b'x' * (most - 100 + most - empty)
    data = mqttwire.publish_packet(V5, 't', payload, 1, False, False, 1)
    check_equal(len(data), most)
    client.send(data)
    check_equal(client.recv(timeout=30).payload == payload, True, 'it comes back whole')
    client.wait(PUBACK)
    client.send(mqttwire.publish_packet(V5, 't', payload + b'x', 1, False, False, 1)[:1000])
    expect_end(client, 0x95)
