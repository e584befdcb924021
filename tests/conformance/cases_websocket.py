"""MQTT over WebSocket (6.0): what frames are allowed, and what they mean to MQTT: nothing."""

import mqttwire
import transports
from harness import check_equal
from mqttwire import CONNACK, PINGREQ, PINGRESP, packet
from suite import ALL, case, expect_closed, payloads
from transports import BINARY, CONTINUATION, PING, TEXT, WebSocketStream

WEB = ('ws', 'wss')


def upgrade(t, **options):
    return WebSocketStream(t.transport.open_below(t.server), **options)


@case('3.1.1 MQTT-6.0.0-1', '5.0 MQTT-6.0.0-1', transports=WEB)
def other_frames_than_binary_close(t):
    for opcode in (TEXT, 3, 7):
        client = t.client()
        client.socket.send_frame(opcode, packet(PINGREQ, 0, b''))
        assert client.is_closed_within(5), f'opcode {opcode} was taken'


@case('3.1.1 MQTT-6.0.0-2', '5.0 MQTT-6.0.0-2', transports=WEB)
def frames_do_not_align_with_packets(t):
    """A packet in many frames, many packets in a frame, fragments, pings and empty frames
    between."""
    data = t.connect_bytes() + b''.join(
        mqttwire.publish_packet(t.version, t.topic(), str(i), 1, packet_id=i + 1)
        for i in range(20)) + packet(PINGREQ, 0, b'')
    watcher = t.watch(t.topic(), name='b')
    for size in (1, 7, 200, len(data)):
        client = t.open()
        for at in range(0, len(data), size):
            client.socket.send_frame(BINARY, data[at:at + size])
        client.wait(PINGRESP)
        check_equal(payloads(t.drain(client, watcher)), [b'%d' % i for i in range(20)])
    client, middle = t.open(), len(data) // 2
    client.socket.send_frame(BINARY, data[:middle], is_final=False)
    client.socket.send_frame(PING, b'between')
    client.socket.send_frame(CONTINUATION, b'', is_final=False)
    client.socket.send_frame(CONTINUATION, data[middle:])
    client.socket.send_frame(BINARY, b'')
    client.wait(PINGRESP)
    check_equal(len(t.drain(client, watcher)), 20)


@case('3.1.1 MQTT-6.0.0-3', '5.0 MQTT-6.0.0-3', transports=WEB)
def no_known_subprotocol(t):
    """Binds the client. Without `mqtt` among what it offers no MQTT is spoken under another name:
    refused, or nothing selected."""
    for protocols in (('chat',), ('MQTT', 'mqttx')):
        try:
            stream = upgrade(t, protocols=protocols)
        except (transports.NotOffered, ConnectionError):
            continue
        if stream.status == 101:
            check_equal(stream.headers.get('sec-websocket-protocol'), None)
        stream.close()


@case('3.1.1 MQTT-6.0.0-4', '5.0 MQTT-6.0.0-4', transports=WEB)
def subprotocol_mqtt_is_returned(t):
    for protocols in (('mqtt',), ('chat', 'mqtt'), ('mqtt', 'mqttv3.1')):
        for path in ('/', '/mqtt', '/any/path?x=y'):
            stream = upgrade(t, path=path, protocols=protocols)
            check_equal((stream.status, stream.headers.get('sec-websocket-protocol')),
                        (101, 'mqtt'), f'{protocols} {path}')
            client = transports.Client(stream, t.version)
            client.send(t.connect_bytes())
            client.wait(CONNACK)
            client.close()


@case('3.1.1 MQTT-7.0.0-2', versions=ALL)
def nothing_beyond_the_standard_is_required(t):
    """A session of the plainest kind: user name, no properties, no extension offered."""
    client = t.client()
    client.subscribe((t.topic(), 1))
    client.publish(t.topic(), 'x', 1)
    check_equal(client.recv().payload, b'x')
    client.send(packet(mqttwire.DISCONNECT, 0, b''))
    expect_closed(client)
