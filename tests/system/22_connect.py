"""CONNECT and how connections end: client ids, versions, order of packets, keep alive."""

import time

import mqttwire
from harness import check_equal
from mqttwire import (AUTH, CONNACK, DISCONNECT, PINGREQ, PINGRESP, PUBACK, SUBACK, UNSUBACK, V31,
                      V311, V5, Cursor, Will)
from scenario import NAMES, VERSIONS, expect_end, leave, sign_in, wait_closed

EMPTY_ID_REFUSED = {V31: 2, V311: 2, V5: 0x85}


def test_empty_client_ids(server):
    """MQTT 3.1.1 3.1.3-6 to 3.1.3-8; MQTT 5.0 3.1.3.1; MQTT 3.1 asks for 1 to 23 characters."""
    for version, clean, code in ((V31, True, 2), (V31, False, 2), (V311, True, 0),
                                 (V311, False, 2), (V5, True, 0), (V5, False, 0)):
        client, connack = sign_in(server, '', version, clean=clean)
        check_equal((connack.code, connack.session_present), (code, False),
                    f'{NAMES[version]} clean {clean}')
        if code:
            wait_closed(client)
        else:
            client.ping()


def test_assigned_client_ids_differ(server):
    clients = [sign_in(server, '', V5) for _ in range(50)]
    ids = {connack.properties['assigned_client_id'] for _, connack in clients}
    check_equal(len(ids), 50)
    _, connack = sign_in(server, 'my own', V5)
    assert 'assigned_client_id' not in connack.properties, connack


def test_client_ids_of_any_kind(server):
    for version in VERSIONS:
        for client_id in ('x', 'a' * 23, 'a' * 24, 'a' * 1024, 'Zürich/车辆 +#', ' ', '$share'):
            client, connack = sign_in(server, client_id, version)
            check_equal(connack.code, 0, f'{NAMES[version]} {client_id[:30]!r}')
            leave(client)
        client, connack = sign_in(server, 'a' * 1025, version)
        check_equal(connack.code, EMPTY_ID_REFUSED[version], NAMES[version])
        wait_closed(client)


def connect_bytes(server, name, level):
    """CONNECT as in 3.1.1, but for its protocol name and level."""
    return mqttwire.packet(mqttwire.CONNECT, 0, mqttwire.text(name) + bytes([level, 0x82])
                           + b'\0\x3c' + mqttwire.text('client') + mqttwire.text(server.token))


def test_unknown_protocol_levels(server):
    """MQTT 3.1.1 3.1.2-2: CONNACK with code 1, then closed."""
    for level in (0, 1, 2, 6, 7, 127, 255):
        with mqttwire.Client(server.mqtt_port) as client:
            client.send(connect_bytes(server, 'MQTT', level))
            check_equal(client.read_packet().body, b'\0\1', f'level {level}')
            wait_closed(client)


def test_unknown_protocol_names(server):
    for name, level in (('', 4), ('MQT', 4), ('MQTTX', 4), ('mqtt', 4), ('MQIsdp', 4), ('MQTT', 3),
                        ('HTTP', 5)):
        with mqttwire.Client(server.mqtt_port) as client:
            client.send(connect_bytes(server, name, level))
            assert client.is_closed_within(5), f'{name} {level}: still open'


def test_a_second_connect(server):
    for version in VERSIONS:
        client, _ = sign_in(server, 'twice', version)
        client.send(mqttwire.connect_packet('twice', version, username=server.token))
        expect_end(client, 0x82)


def test_packets_that_only_servers_send(server):
    packets = ((CONNACK, b'\0\0'), (SUBACK, b'\0\1\0'), (UNSUBACK, b'\0\1'), (PINGRESP, b''))
    for version in VERSIONS:
        for kind, body in packets:
            client, _ = sign_in(server, 'confused', version)
            client.send(mqttwire.packet(kind, 0, body))
            expect_end(client, 0x82)


def test_anything_before_connect(server):
    for data in (mqttwire.packet(PINGREQ, 0, b''), mqttwire.publish_packet(V311, 't', 'x'),
                 mqttwire.subscribe_packet(V311, 1, [('t', 0)]),
                 mqttwire.ack_packet(PUBACK, 1), mqttwire.packet(DISCONNECT, 0, b'')):
        with mqttwire.Client(server.mqtt_port) as client:
            client.send(data + mqttwire.connect_packet('late', username=server.token))
            assert client.is_closed_within(5), f'still open after {data.hex()}'
            check_equal(client.data, b'', 'nothing is answered')


def test_extended_authentication_is_refused(server):
    client, connack = sign_in(server, 'auth', V5,
                              properties={'authentication_method': 'SCRAM-SHA-256'})
    check_equal(connack.code, 0x8C)
    wait_closed(client)
    client, _ = sign_in(server, 'auth', V5)
    client.send(mqttwire.packet(AUTH, 0, b'\x18' + mqttwire.encode_properties(
        V5, {'authentication_method': 'SCRAM-SHA-256'})))
    expect_end(client, 0x82)


def test_reason_strings_are_left_out_on_request(server):
    for asked in (0, 1):
        client, _ = sign_in(server, 'terse', V5, properties={'request_problem_information': asked})
        client.send(mqttwire.connect_packet('terse', V5, username=server.token))
        got = client.wait(DISCONNECT)
        has_properties = len(got.body) > 1 and got.body[1] > 0
        check_equal(has_properties, asked == 1, f'problem information {asked}')
        wait_closed(client)


def test_all_at_once(server):
    """A client may send on without waiting for CONNACK (MQTT 5.0 3.1.4); its connection may move to
    another shard meanwhile, and what came with CONNECT moves along."""
    for version in VERSIONS:
        for i in range(12):
            client = mqttwire.Client(server.mqtt_port, version)
            client.send(mqttwire.connect_packet(f'eager {i}', version, username=server.token)
                        + mqttwire.subscribe_packet(version, 1, [('eager', 1)])
                        + b''.join(mqttwire.publish_packet(version, 'eager', str(n), 1, False,
                                                           False, n + 1) for n in range(20))
                        + mqttwire.packet(PINGREQ, 0, b''))
            check_equal([client.wait(k).type for k in (CONNACK, SUBACK)], [CONNACK, SUBACK])
            for n in range(20):
                check_equal(client.recv().payload, b'%d' % n, f'{NAMES[version]} {i}')
                check_equal(client.decode_ack(client.wait(PUBACK)).packet_id, n + 1)
            client.wait(PINGRESP)
            leave(client)


def test_byte_by_byte(server):
    for version in VERSIONS:
        for i in range(3):
            client = mqttwire.Client(server.mqtt_port, version)
            for data in (mqttwire.connect_packet(f'slow {i}', version, username=server.token),
                         mqttwire.subscribe_packet(version, 1, [('slow', 2)]),
                         mqttwire.publish_packet(version, 'slow', 'x', 1, False, False, 1)):
                for at in range(len(data)):
                    client.send(data[at:at + 1])
                    if at % 16 == 0:
                        time.sleep(0.001)
            client.wait(PUBACK)
            check_equal((client.recv().payload, client.wait(CONNACK).body[:2]), (b'x', b'\0\0'))
            leave(client)


def test_a_large_connect(server):
    """More than a connection may make the hub keep without asking: a will and properties."""
    watcher = server.client('watcher', V5)
    watcher.subscribe('will', qos=1)
    for version in VERSIONS:
        for i in range(4):
            payload = bytes([i]) * 60000
            client, connack = sign_in(server, f'large {i}', version,
                                      will=Will('will', payload, 1))
            check_equal(connack.code, 0, NAMES[version])
            client.close()
            check_equal(watcher.recv().payload, payload)
    # Over the limit for strangers.
    stranger = mqttwire.Client(server.mqtt_port, V5)
    stranger.send(mqttwire.connect_packet('huge', V5, username=server.token, properties={
        'user_property': [('x' * 60000, 'y' * 60000)] * 4}))
    assert stranger.is_closed_within(5), 'still open'


def test_keep_alive(server):
    """MQTT 5.0 3.1.2.10: one and a half times; any packet counts."""
    for version in VERSIONS:
        client, _ = sign_in(server, 'silent', version, keepalive=1)
        busy, _ = sign_in(server, 'busy', version, keepalive=1)
        forever, _ = sign_in(server, 'forever', version, keepalive=0)
        start = time.monotonic()
        for _ in range(4):
            time.sleep(0.4)
            busy.publish('t', 'still here')
        expect_end(client, 0x8D)
        passed = time.monotonic() - start
        assert 1.4 < passed < 4, f'{NAMES[version]}: closed after {passed:.1f} s'
        busy.ping()
        forever.ping()
        leave(busy)
        leave(forever)


def test_what_connack_tells(server):
    _, connack = sign_in(server, 'curious', V5)
    properties = connack.properties
    own = {'receive_maximum', 'maximum_packet_size', 'topic_alias_maximum', 'user_property'}
    check_equal(set(properties) - own,
                set(), 'properties: everything else is as the standard assumes')
    assert properties['maximum_packet_size'] >= 1 << 20, properties
    # 3.x: two bytes, and nothing behind them.
    for version in (V31, V311):
        client = mqttwire.Client(server.mqtt_port, version)
        client.send(mqttwire.connect_packet('curious', version, username=server.token))
        check_equal(client.wait(CONNACK).body, b'\0\0', NAMES[version])


def test_disconnect_with_a_body(server):
    """3.x knows none; in 5.0 any reason of a client's is taken."""
    for version in (V31, V311):
        client, _ = sign_in(server, 'bye', version)
        client.send(mqttwire.packet(DISCONNECT, 0, b'\0'))
        wait_closed(client)
    for code in (0x00, 0x04, 0x80, 0x81, 0x98):
        client, _ = sign_in(server, 'bye', V5)
        client.send(mqttwire.packet(DISCONNECT, 0, bytes([code, 0])))
        check_equal(client.is_closed_within(5), True, f'{code:#04x}')
        check_equal(client.data, b'', 'a goodbye is not answered')
    client, _ = sign_in(server, 'bye', V5)
    client.send(mqttwire.packet(DISCONNECT, 0, b'\x8e\0'))  # that is the server's
    got = client.wait(DISCONNECT)
    check_equal(Cursor(got.body).number(1) in (0x81, 0x82), True)
