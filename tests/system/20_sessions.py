"""Sessions: what is kept while a client is away, for how long, and who has it."""

import time

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBCOMP, PUBREC, PUBREL, V31, V5
from scenario import NAMES, VERSIONS, expect_end, lasting, leave, sign_in, vanish, wait_closed


def check_present(connack, version):
    """MQTT 3.1 has no flag for it."""
    check_equal((connack.code, connack.session_present), (0, version != V31), NAMES[version])


def test_a_clean_session_is_forgotten(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'clean', version)
        client.subscribe('t', qos=1)
        leave(client)
        publisher.publish('t', 'lost', 1)
        client, connack = sign_in(server, 'clean', version, **lasting(version))
        check_equal(connack.session_present, False, NAMES[version])
        client.recv_none()
        leave(client)
        leave(sign_in(server, 'clean', version)[0])


def test_messages_wait_for_a_lasting_session(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, connack = sign_in(server, 'lasting', version, **lasting(version))
        check_equal(connack.session_present, False, NAMES[version])
        client.subscribe('t/#', qos=2)
        leave(client)
        for i in range(60):
            publisher.publish(f't/{i}', f'message {i}', i % 3)
        client, connack = sign_in(server, 'lasting', version, **lasting(version))
        check_present(connack, version)
        for i in (i for i in range(60) if i % 3):
            message = client.recv()
            check_equal((message.topic, message.payload, message.qos, message.dup, message.retain),
                        (f't/{i}', f'message {i}'.encode(), i % 3, False, False), NAMES[version])
        client.recv_none()  # QoS 0 does not wait
        client.publish('t/live', 'still subscribed')
        check_equal(client.recv().topic, 't/live')
        leave(client)
        leave(sign_in(server, 'lasting', version)[0])


def test_a_clean_start_ends_the_old_session(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'again', version, **lasting(version))
        client.subscribe('t', qos=1)
        leave(client)
        publisher.publish('t', 'for the old session', 1)
        client, connack = sign_in(server, 'again', version)
        check_equal(connack.session_present, False, NAMES[version])
        publisher.publish('t', 'nobody is subscribed', 1)
        client.recv_none()
        leave(client)


def test_a_session_outlives_its_version(server):
    publisher = server.client('publisher')
    is_known = False
    for version in (*VERSIONS, *reversed(VERSIONS)):
        client, connack = sign_in(server, 'wanderer', version, **lasting(version))
        if is_known:
            check_present(connack, version)
        client.subscribe('t', qos=1)
        leave(client)
        publisher.publish('t', 'x', 1)
        is_known = True
        client, _ = sign_in(server, 'wanderer', version, **lasting(version))
        check_equal(client.recv().payload, b'x', NAMES[version])
        leave(client)


def test_session_expiry(server):
    client, _ = sign_in(server, 'short', V5, **lasting(V5, 1))
    leave(client)
    client, connack = sign_in(server, 'short', V5, **lasting(V5, 1))
    check_equal(connack.session_present, True, 'within the second')
    leave(client)
    time.sleep(1.5)
    client, connack = sign_in(server, 'short', V5, **lasting(V5, 1))
    check_equal(connack.session_present, False, 'after it')
    # The clock runs from the end of the connection, not from its start.
    time.sleep(1.5)
    leave(client)
    _, connack = sign_in(server, 'short', V5, **lasting(V5, 1))
    check_equal(connack.session_present, True)


def disconnect_packet(properties):
    return mqttwire.packet(mqttwire.DISCONNECT, 0,
                           b'\0' + mqttwire.encode_properties(V5, properties))


def test_disconnect_changes_the_expiry(server):
    client, _ = sign_in(server, 'ending', V5, **lasting(V5))
    client.send(disconnect_packet({'session_expiry': 0}))
    wait_closed(client)
    client, connack = sign_in(server, 'ending', V5, **lasting(V5, 1))
    check_equal(connack.session_present, False, 'ended by DISCONNECT')
    client.send(disconnect_packet({'session_expiry': 3600}))
    wait_closed(client)
    time.sleep(1.5)
    client, connack = sign_in(server, 'ending', V5, clean=False)
    check_equal(connack.session_present, True, 'prolonged by DISCONNECT')
    # Now it has none, and none can be set (MQTT 5.0 3.14.2.2.2).
    client.send(disconnect_packet({'session_expiry': 3600}))
    expect_end(client, 0x82)


def test_take_over(server):
    publisher = server.client('publisher')
    for old in VERSIONS:
        for new in VERSIONS:
            what = f'{NAMES[old]} taken over by {NAMES[new]}'
            leave(sign_in(server, 'one', old)[0])
            first, _ = sign_in(server, 'one', old, **lasting(old))
            first.subscribe('t', qos=1)
            second, connack = sign_in(server, 'one', new, **lasting(new))
            check_present(connack, new)
            expect_end(first, 0x8E)
            publisher.publish('t', what, 1)
            check_equal(second.recv().payload, what.encode())
            leave(second)


def test_take_over_of_a_clean_session(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        first, _ = sign_in(server, 'one', version)
        first.subscribe('t', qos=1)
        second, connack = sign_in(server, 'one', version, **lasting(version))
        check_equal(connack.session_present, False, NAMES[version])
        expect_end(first, 0x8E)
        publisher.publish('t', 'to nobody', 1)
        second.recv_none()
        leave(second)
        leave(sign_in(server, 'one', version)[0])


def test_many_at_once_with_one_client_id(server):
    """All are let in, one after the other; the last one stays."""
    for version in VERSIONS:
        clients = [mqttwire.Client(server.mqtt_port, version) for _ in range(20)]
        for client in clients:
            client.send(mqttwire.connect_packet('same', version, username=server.token,
                                                **lasting(version)))
        for client in clients:
            client.wait(mqttwire.CONNACK)
        still_open = []
        for client in clients:
            try:
                client.ping()
                still_open.append(client)
            except (mqttwire.Closed, ConnectionError):
                client.close()
        check_equal(len(still_open), 1, f'{NAMES[version]}: connections left')
        leave(still_open[0])
        leave(sign_in(server, 'same', version)[0])


def test_what_was_not_acknowledged_comes_again(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        for qos in (1, 2):
            what = f'{NAMES[version]} QoS {qos}'
            client, _ = sign_in(server, 'deaf', version, auto_ack=False, **lasting(version))
            client.subscribe('t', qos=qos)
            for i in range(5):
                publisher.publish('t', str(i), qos)
            first = [client.recv() for _ in range(5)]
            check_equal([m.dup for m in first], [False] * 5, what)
            # The middle one is acknowledged, in full.
            if qos == 1:
                client.send(mqttwire.ack_packet(PUBACK, first[2].packet_id))
            else:
                client.send(mqttwire.ack_packet(PUBREC, first[2].packet_id))
                client.wait(PUBREL)
                client.send(mqttwire.ack_packet(PUBCOMP, first[2].packet_id))
            client.ping()
            vanish(client)
            client, connack = sign_in(server, 'deaf', version, **lasting(version))
            check_present(connack, version)
            again = [client.recv() for _ in range(4)]
            check_equal(again, [m._replace(dup=True) for i, m in enumerate(first) if i != 2], what)
            publisher.publish('t', 'next', qos)
            check_equal((client.recv().dup, client.inbox), (False, []), what)
            client.recv_none(0.1)
            client.ping()
            leave(client)
            client, _ = sign_in(server, 'deaf', version, **lasting(version))
            client.recv_none(0.1)  # all is acknowledged now
            leave(client)
            leave(sign_in(server, 'deaf', version)[0])


def test_released_messages_are_released_again(server):
    """Between PUBREC and PUBCOMP it is PUBREL that comes again, not the message."""
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'half', version, auto_ack=False, **lasting(version))
        client.subscribe('t', qos=2)
        publisher.publish('t', 'x', 2)
        message = client.recv()
        client.send(mqttwire.ack_packet(PUBREC, message.packet_id))
        client.wait(PUBREL)
        vanish(client)
        client, _ = sign_in(server, 'half', version, auto_ack=False, **lasting(version))
        released = client.wait(PUBREL)
        check_equal((released.flags, client.decode_ack(released).packet_id),
                    (2, message.packet_id), NAMES[version])
        client.send(mqttwire.ack_packet(PUBCOMP, message.packet_id))
        client.recv_none(0.1)
        vanish(client)
        client, _ = sign_in(server, 'half', version, auto_ack=False, **lasting(version))
        client.recv_none(0.1)
        check_equal(client.pending, [], NAMES[version])
        leave(client)
        leave(sign_in(server, 'half', version)[0])


def test_window_and_queue_keep_their_order(server):
    """Some in flight, the rest waiting behind; the connection breaks in between."""
    publisher = server.client('publisher')
    options = {'clean': False, 'properties': {'session_expiry': 3600, 'receive_maximum': 3}}
    client, _ = sign_in(server, 'narrow', V5, auto_ack=False, **options)
    client.subscribe('t', qos=2)
    for i in range(20):
        publisher.publish('t', str(i), 1 + i % 2)
    check_equal([client.recv().payload for _ in range(3)], [b'0', b'1', b'2'])
    client.recv_none(0.2)
    vanish(client)
    publisher.publish('t', '20', 1)
    client, _ = sign_in(server, 'narrow', V5, **options)
    messages = [client.recv() for _ in range(21)]
    check_equal([m.payload for m in messages], [str(i).encode() for i in range(21)])
    check_equal([m.dup for m in messages], [True] * 3 + [False] * 18)
    client.recv_none()


def test_subscriptions_survive(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'rich', version, **lasting(version))
        for i in range(0, 1000, 50):
            client.subscribe(*(f'many/{n}/+' for n in range(i, i + 50)), qos=1)
        client.unsubscribe(*(f'many/{n}/+' for n in range(0, 1000, 2)))
        vanish(client)
        client, _ = sign_in(server, 'rich', version, **lasting(version))
        for n in (0, 1, 500, 501, 998, 999):
            publisher.publish(f'many/{n}/x', str(n), 1)
        check_equal([client.recv().payload for _ in range(3)], [b'1', b'501', b'999'])
        client.recv_none(0.1)
        leave(client)
        leave(sign_in(server, 'rich', version)[0])


def test_an_assigned_client_id_leads_back_to_the_session(server):
    publisher = server.client('publisher')
    for i in range(10):
        client, connack = sign_in(server, '', V5, properties={'session_expiry': 3600})
        client_id = connack.properties['assigned_client_id']
        client.subscribe(f'assigned/{i}', qos=1)
        leave(client)
        publisher.publish(f'assigned/{i}', 'waiting', 1)
        client, connack = sign_in(server, client_id, V5, **lasting(V5))
        check_equal(connack.session_present, True, f'session of {client_id}')
        check_equal(client.recv().payload, b'waiting')
        assert 'assigned_client_id' not in connack.properties, connack


def test_take_over_with_an_assigned_client_id(server):
    for _ in range(10):
        first, connack = sign_in(server, '', V5)
        client_id = connack.properties['assigned_client_id']
        second, _ = sign_in(server, client_id, V5)
        expect_end(first, 0x8E)
        leave(second)
