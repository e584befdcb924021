"""flespi/ belongs to the platform: clients read there, and what they publish there is discarded."""

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBREC, V5
from scenario import NAMES, VERSIONS, sign_in

REFUSED = ('flespi/', 'flespi/x', 'flespi/message/gw/devices/1', 'flespi//', '$SYS/x', '$share/g/t',
           '$')
ALLOWED = ('flespi', 'flespix/y', 'Flespi/x', '/flespi/x', 'x/flespi/', 'a/$x', '/$SYS')


def test_published_by_a_client(server):
    watcher = server.client('watcher', V5)
    watcher.subscribe('#', 'flespi/#', '$SYS/x', '$/#', '$share/other/#', qos=2)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        code = 0x87 if version == V5 else 0
        for topic in REFUSED:
            for retain in (False, True):
                client.publish(topic, 'x', 0, retain)
                check_equal(client.publish(topic, 'x', 1, retain).code, code,
                            f'{NAMES[version]} {topic}')
                check_equal(client.publish(topic, 'x', 2, retain).code, code, topic)
        client.ping()
        client.disconnect()
    watcher.recv_none()
    late = server.client('late', V5)
    late.subscribe('#', 'flespi/#', '$SYS/x')
    late.recv_none(0.1)


def test_names_that_only_look_like_it(server):
    watcher = server.client('watcher', V5)
    watcher.subscribe('#', qos=2)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        for topic in ALLOWED:
            client.publish(topic, topic, 2)
            check_equal(watcher.recv().topic, topic, NAMES[version])


def test_a_refused_identifier_is_free(server):
    """MQTT 5.0 4.3.3: PUBREC with an error leaves nothing open."""
    watcher = server.client('watcher')
    watcher.subscribe('t', qos=2)
    client, connack = sign_in(server, 'client', V5)
    for _ in range(connack.properties['receive_maximum'] + 10):
        client.send(mqttwire.publish_packet(V5, 'flespi/x', 'x', 2, False, False, 7))
        check_equal(client.decode_ack(client.wait(PUBREC)).code, 0x87)
    client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, 7))
    check_equal(client.decode_ack(client.wait(PUBREC)).code, 0)
    check_equal(watcher.recv().payload, b'x')


def test_the_connection_stays(server):
    """A flood of refused packets among good ones."""
    watcher = server.client('watcher')
    watcher.subscribe('t', qos=1)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        client.send(b''.join(
            mqttwire.publish_packet(version, 'flespi/x', 'x')
            + mqttwire.publish_packet(version, 't' if i % 2 else '$t', str(i), 1, False, False,
                                      i + 1) for i in range(200)))
        for i in range(200):
            ack = client.decode_ack(client.wait(PUBACK))
            check_equal((ack.packet_id, ack.code), (i + 1, 0 if i % 2 or version != V5 else 0x87))
        check_equal([watcher.recv().payload for _ in range(100)],
                    [b'%d' % i for i in range(1, 200, 2)], NAMES[version])
