"""MQTT over WebSocket (6.0): what frames are allowed, and what they mean to MQTT: nothing. Frames
that RFC 6455 forbids are the part of the matrix of malformed input that has no packets."""

import functools

import mqttwire
import transports
from harness import check_equal
from mqttwire import CONNACK, PINGREQ, PINGRESP, V5, V31, packet
from suite import ALL, add_case, case, expect_closed, payloads, vanish
from transports import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocketStream

WEB = ('ws', 'wss')
PROTOCOL_ERROR, NOT_UNDERSTOOD, TOO_BIG = 1002, 1003, 1009  # RFC 6455 7.4.1


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
        except (transports.NoUpgrade, ConnectionError):
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


# ---- frames that RFC 6455 forbids ----

PINGREQ_DATA = packet(PINGREQ, 0, b'')
DAMAGES = [  # what, the frames: opcode, data and options, and the code of the server's close
    ('no mask', [(BINARY, PINGREQ_DATA, {'is_masked': False})], PROTOCOL_ERROR),
    ('text', [(TEXT, b'text', {})], NOT_UNDERSTOOD),
    ('text in fragments', [(TEXT, b'te', {'is_final': False}), (CONTINUATION, b'xt', {})],
     NOT_UNDERSTOOD),
    *[(f'reserved opcode {opcode}', [(opcode, PINGREQ_DATA, {})], PROTOCOL_ERROR)
      for opcode in (3, 4, 5, 6, 7, 11, 15)],
    *[(f'reserved bits {bits:03b}', [(BINARY, PINGREQ_DATA, {'reserved': bits})], PROTOCOL_ERROR)
      for bits in (1, 2, 4, 7)],
    ('a continuation of nothing', [(CONTINUATION, PINGREQ_DATA, {})], PROTOCOL_ERROR),
    ('a message within another', [(BINARY, b'\xc0', {'is_final': False}), (BINARY, b'\0', {})],
     PROTOCOL_ERROR),
    *[(f'{name} in fragments', [(opcode, b'x', {'is_final': False})], PROTOCOL_ERROR)
      for name, opcode in (('ping', PING), ('pong', PONG), ('close', CLOSE))],
    *[(f'{name} of 126 bytes', [(opcode, b'x' * 126, {})], PROTOCOL_ERROR)
      for name, opcode in (('ping', PING), ('pong', PONG))],
    ('close of one byte', [(CLOSE, b'\x03', {})], PROTOCOL_ERROR),
    ('a length of 64 bits with the highest set',
     [(BINARY, b'', {'length': b'\xff' + b'\xff' * 8})], (PROTOCOL_ERROR, TOO_BIG)),
    ('a length in 16 bits that needs 7',
     [(BINARY, PINGREQ_DATA, {'length': b'\xfe\0\2'})], PROTOCOL_ERROR),
    ('a length in 64 bits that needs 16',
     [(BINARY, PINGREQ_DATA, {'length': b'\xff' + b'\0' * 7 + b'\2'})], PROTOCOL_ERROR),
]


def send_damage(t, frames, code):
    client = t.client()
    for opcode, data, options in frames:
        client.socket.send_frame(opcode, data, **options)
    assert client.is_closed_within(5), 'the server left the connection open'
    said = client.socket.close_code
    assert said in (code if isinstance(code, tuple) else (code,)), f'close {said}, expected {code}'
    t.check_others()


for _what, _frames, _code in DAMAGES:
    add_case(f'malformed WebSocket: {_what}',
             functools.partial(send_damage, frames=_frames, code=_code), (V5,), transports=WEB)


@case(versions=(V5,), transports=WEB)
def frames_cut_at_every_byte(t):
    """The stream ends within a frame; nothing is said to that."""
    data = mqttwire.publish_packet(V5, t.topic(), 'x' * 130)
    for size in range(1, 20):
        client = t.client()
        client.socket.below.sendall((b'\x82\xfe' + len(data).to_bytes(2, 'big') + b'\0\0\0\0'
                                     + data)[:size])
        vanish(client)
        check_equal(client.data, b'')
        t.check_others()


@case(versions=ALL, transports=WEB)
def pings_and_closes_are_answered(t):
    client = t.client()
    for data in (b'', b'x', b'y' * 125):
        client.socket.send_frame(PING, data)
        frame = client.socket.read_frame()
        check_equal((frame.opcode, frame.data, frame.is_final), (PONG, data, True))
    client.socket.send_frame(PONG, b'unasked')
    client.ping()
    client.socket.send_frame(CLOSE, b'\x03\xe8bye')
    assert client.is_closed_within(5)
    check_equal(client.socket.close_code, 1000)


@case(versions=(V5,), transports=WEB)
def extensions_are_declined(t):
    """MQTT Board offers permessage-deflate."""
    offer = ('Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',)
    stream = upgrade(t, headers=offer)
    check_equal((stream.status, stream.headers.get('sec-websocket-extensions')), (101, None))
    client = transports.Client(stream, t.version)
    client.send(t.connect_bytes())
    client.wait(CONNACK)
    client.close()


@case(versions=(V31,), transports=WEB)
def subprotocol_of_mqtt_3_1(t):
    stream = upgrade(t, protocols=('mqttv3.1',))
    check_equal((stream.status, stream.headers.get('sec-websocket-protocol')), (101, 'mqttv3.1'))
    stream.close()
