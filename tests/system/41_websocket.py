"""MQTT over WebSocket: at every path of the HTTP port, beside REST; frames in all shapes that the
standard allows, and some that it does not."""

import contextlib
import http.client
import socket
import ssl

import mqttwire
import wswire
from harness import check_equal, run_node
from mqttwire import PUBLISH, SUBACK, V311, V5, Will, connect_packet, packet, publish_packet, \
    subscribe_packet
from scenario import NAMES, VERSIONS
from wswire import BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, Client, Refused, frame

MIB = 1024 * 1024


def sign_in(server, client_id='', version=V311, **options):
    client = Client(server, version)
    options.setdefault('username', server.token)
    check_equal(client.connect(client_id, **options).code, 0, 'CONNACK')
    return client


def raw_client(server, version, **ws):
    """A client whose CONNECT has not been sent."""
    return Client(server, version, ws=ws)


# ---- MQTT.js ----

def roundtrip(server, version, path, *offer):
    events = run_node('mqttjs_websocket.mjs', server.http_port, server.token, version, path, *offer)

    def of(kind):
        return [e for e in events if e['event'] == kind]

    protocol = 'mqttv3.1' if version == 3 else 'mqtt'
    check_equal(of('connected'), [{'event': 'connected', 'protocol': protocol, 'extensions': ''}])
    check_equal(of('subscribed')[0]['qos'], [2], f'granted in {version}')
    check_equal([(m['topic'], m['qos'], m['payload']) for m in of('message')],
                [(f'ws/{version}/{qos}', qos, f'payload {qos}') for qos in (0, 1, 2)]
                + [(f'ws/{version}/large', 1, 'large')], f'received in {version}')
    # 1005: its close, which names no code, came before ours.
    end = of('ended')[0]
    assert end['wasClean'] and end['code'] in (1000, 1005), end


def test_mqttjs(server):
    for version in (3, 4, 5):
        roundtrip(server, version, '/')


def test_mqttjs_offers_deflate(server):
    for version in (4, 5):
        roundtrip(server, version, '/mqtt', 'deflate')


# ---- the handshake ----

def test_any_path_and_what_is_offered(server):
    cases = (('/', ('mqtt',), 'mqtt'), ('/mqtt', ('mqtt',), 'mqtt'), ('/ws/', (), None),
             ('/gw/channels/all', ('mqttv3.1',), 'mqttv3.1'), ('/?token=1', ('mqttv3.1.1',),
                                                              'mqttv3.1.1'),
             ('/%C3%A9', ('wamp', 'mqtt'), 'mqtt'))
    for path, offered, chosen in cases:
        client = raw_client(server, V5, path=path, subprotocols=offered,
                            Sec_WebSocket_Extensions='permessage-deflate; client_max_window_bits')
        check_equal(client.socket.headers.get('sec-websocket-protocol'), chosen, path)
        check_equal(client.socket.headers.get('sec-websocket-extensions'), None, path)
        check_equal(client.connect('path', username=server.token).code, 0, path)
        client.disconnect()


def refusal(server, **options):
    try:
        wswire.open_socket(server, **options)
    except Refused as refused:
        return refused
    raise AssertionError(f'a handshake with {options} was accepted')


def test_handshakes_refused(server):
    got = refusal(server, version='8')
    check_equal((got.status, got.headers.get('sec-websocket-version')), (426, '13'))
    check_equal(refusal(server, Sec_WebSocket_Version=None).status, 426)
    for wrong in ({'Sec_WebSocket_Key': None}, {'key': b'c2hvcnQ='}, {'key': b'?' * 24},
                  {'subprotocols': ('wamp', 'MQTT')}):
        got = refusal(server, **wrong)
        check_equal(got.status, 400, wrong)
        assert '"reason"' in got.body, got.body


def test_other_upgrades_are_ordinary_requests(server):
    for other in ({'Upgrade': 'h2c'}, {'Connection': 'keep-alive'}, {'Upgrade': None}):
        check_equal(refusal(server, path='/health', **other).status, 200, other)
    reply = server.rest('POST', '/health', b'', headers={
        'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13'})
    check_equal(reply.status, 405, reply.text)


# ---- frames ----

def conversation(server, version, n):
    """CONNECT, SUBSCRIBE and a PUBLISH to oneself."""
    return (connect_packet(f'cut-{n}', version, username=server.token)
            + subscribe_packet(version, 1, [('cut/#', 0)])
            + publish_packet(version, f'cut/{n}', f'message {n}' * 100))


def expect_conversation(client, n):
    check_equal(client.wait(mqttwire.CONNACK).body[1], 0, 'CONNACK')
    client.wait(SUBACK)
    got = client.recv()
    check_equal((got.topic, got.payload.decode()), (f'cut/{n}', f'message {n}' * 100))
    client.disconnect()


def pieces_of(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def in_frames(data, size):
    return b''.join(frame(FIN | BINARY, piece) for piece in pieces_of(data, size))


def in_fragments(data, size):
    """One message, with a ping and a pong behind each fragment."""
    first, *rest = pieces_of(data, size)
    between = frame(FIN | PING, b'between') + frame(FIN | PONG, b'unasked')
    out = frame(BINARY, first) + between
    for piece in rest:
        out += frame(CONTINUATION, piece) + between
    return out + frame(FIN | CONTINUATION)


def test_packets_and_frames_do_not_care_for_each_other(server):
    """Many packets in a frame, a packet in many frames, fragments; with the handshake or later."""
    for version in (V311, V5):
        for size in (1, 2, 7, 125, 126, 1000, 100000):
            for shape in (in_frames, in_fragments):
                for early in (0, 3, 10 ** 6):
                    data = shape(conversation(server, version, size), size)
                    client = raw_client(server, version, early=data[:early])
                    client.socket.plain.sendall(data[early:])
                    expect_conversation(client, size)


def test_bytes_one_by_one(server):
    client = raw_client(server, V5)
    for byte in in_fragments(conversation(server, V5, 1), 50):
        client.socket.plain.sendall(bytes([byte]))
    expect_conversation(client, 1)


def test_a_packet_longer_than_its_frame_is_waited_for(server):
    """PUBLISH announces 4096 bytes; the frame has three of them."""
    client = sign_in(server, 'waits')
    client.subscribe('t')
    whole = publish_packet(V311, 't', b'x' * 4093)
    assert whole.startswith(b'\x30\x80\x20'), whole[:3]
    client.socket.send_frame(FIN | BINARY, whole[:6])
    client.socket.ping(b'in the middle')
    client.recv_none(0.2)
    client.socket.send_frame(FIN | BINARY, whole[6:])
    check_equal(client.recv().payload, b'x' * 4093)
    client.send(whole[:6])
    client.socket.send_frame(FIN | CLOSE, b'\x03\xe8')
    check_equal(client.socket.wait_close(), 1000)
    client.close()


VIOLATIONS = (
    ('a text frame', frame(FIN | TEXT, b'\xc0\x00'), 1003),
    ('an empty text frame', frame(FIN | TEXT), 1003),
    ('no mask', frame(FIN | BINARY, b'\xc0\x00', mask=None), 1002),
    ('a reserved bit', frame(FIN | 0x40 | BINARY, b'\xc0\x00'), 1002),
    ('an unknown opcode', frame(FIN | 3, b'\xc0\x00'), 1002),
    ('an unknown control opcode', frame(FIN | 11), 1002),
    ('nothing to continue', frame(FIN | CONTINUATION, b'\xc0\x00'), 1002),
    ('a message within a message', frame(BINARY, b'\xc0') + frame(FIN | BINARY, b'\x00'), 1002),
    ('a long ping', frame(FIN | PING, b'x' * 126), 1002),
    ('a fragmented ping', frame(PING, b'x'), 1002),
    ('a length of 2 ** 63', frame(FIN | BINARY, b'', length=2 ** 63), 1002),
    ('a length in the long form', b'\x82\xfe\x00\x02\0\0\0\0\xc0\x00', 1002),
    ('half a close code', frame(FIN | CLOSE, b'\x03'), 1002),
    ('a close code of nobody', frame(FIN | CLOSE, b'\x03\xee'), 1002),
    ('a reason that is no UTF-8', frame(FIN | CLOSE, b'\x03\xe8\xff'), 1007),
)


def test_violations_end_the_connection_and_no_other(server):
    steady = sign_in(server, 'steady')
    steady.subscribe('will/#', qos=1)
    for what, data, code in VIOLATIONS:
        client = sign_in(server, 'violator', V5, will=Will('will/violator', what, 1))
        client.socket.plain.sendall(data + frame(FIN | BINARY, b'\xc0\x00'))
        check_equal(client.socket.wait_close(), code, what)
        client.close()
        check_equal(steady.recv().payload.decode(), what, 'the will')
    steady.ping()


def test_mqtt_errors_end_with_a_close_frame(server):
    client = sign_in(server, 'wrong', V5)
    client.send(packet(PUBLISH, 6, b'\x00\x01t\x00\x01\x00'))  # QoS 3
    check_equal(client.wait(mqttwire.DISCONNECT).body[0], 0x81, 'reason')
    check_equal(client.socket.wait_close(), 1002)
    client.close()
    client = Client(server, V311)
    check_equal(client.connect('nobody', username='x' * 64).code, 5, 'CONNACK')
    check_equal(client.socket.wait_close(), 1008)
    client.close()


# ---- pings and closes ----

def test_pings(server):
    client = sign_in(server, 'pings')
    for payload in (b'', b'a', b'x' * 125):
        client.socket.ping(payload)
    for i in range(200):
        client.socket.send_frame(FIN | PING, b'%d' % i)
    client.socket.ping(b'last')
    check_equal(client.socket.pongs, [b'%d' % i for i in range(200)])
    client.ping()
    client.disconnect()


def test_closes(server):
    watcher = server.client('watcher')
    watcher.subscribe('will/#')
    for code in (0, 1000, 1001, 4999):
        client = sign_in(server, 'closes', V5, will=Will('will/closes', str(code)))
        client.socket.send_frame(FIN | CLOSE, code.to_bytes(2, 'big') if code else b'')
        check_equal(client.socket.wait_close(), code)
        client.close()
        check_equal(watcher.recv().payload.decode(), str(code), 'went without DISCONNECT')
    client = sign_in(server, 'closes', V5, will=Will('will/closes', 'no'))
    client.send(packet(mqttwire.DISCONNECT, 0, b''))
    check_equal(client.socket.wait_close(), 1000)
    client.close()
    client = sign_in(server, 'closes', V311, will=Will('will/closes', 'cut'))
    client.socket.plain.sendall(frame(FIN | BINARY, b'\x30\x80\x20')[:5])
    client.socket.shutdown(socket.SHUT_WR)
    assert client.is_closed_within(5)
    client.close()
    check_equal(watcher.recv().payload.decode(), 'cut')


def test_keep_alive_wants_packets_not_pings(server):
    client = sign_in(server, 'quiet', V5, keepalive=1)
    client.socket.ping(b'is no MQTT packet')
    check_equal(client.wait(mqttwire.DISCONNECT, timeout=5).body[0], 0x8D)
    check_equal(client.socket.wait_close(), 1008)
    client.close()


def test_the_server_stops(server):
    clients = [(version, sign_in(server, f'stop-{version}', version)) for version in VERSIONS]
    server.stop()
    for version, client in clients:
        if version == V5:
            check_equal(client.wait(mqttwire.DISCONNECT).body[0], 0x8B)
        check_equal(client.socket.wait_close(), 1001, NAMES[version])
        client.close()


# ---- load, and company ----

def test_large_messages(server):
    for version in VERSIONS:
        client = sign_in(server, 'large', version)
        client.subscribe('large/#', qos=1)
        for size in (60000, 65535, 65536, 70000, MIB, 4 * MIB):
            payload = bytes(i * 31 % 251 for i in range(997)) * (size // 997 + 1)
            client.publish('large/t', payload[:size], qos=1)
            check_equal(client.recv().payload == payload[:size], True, f'{size} bytes')
        assert max(client.socket.frames) <= wswire.FRAME_MAX, max(client.socket.frames)
        client.disconnect()


def test_everybody_to_everybody(server):
    """Half over WebSocket, half over TCP; on several shards too."""
    clients = [sign_in(server, f'c-{i}', (V311, V5)[i // 2 % 2]) if i % 2
               else server.client(f'c-{i}', (V311, V5)[i // 2 % 2]) for i in range(16)]
    for i, client in enumerate(clients):
        client.subscribe(('all/#', i % 3))
    for i, client in enumerate(clients):
        for qos in (0, 1, 2):
            client.publish(f'all/{i}', f'{i}-{qos}', qos)
    expected = sorted(f'{i}-{qos}' for i in range(16) for qos in (0, 1, 2))
    for client in clients:
        check_equal(sorted(client.recv().payload.decode() for _ in expected), expected)
        client.disconnect()


def test_over_tls(server):
    """A receiver that does not read meanwhile, so that frames are cut at every place."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    context.set_alpn_protocols(['http/1.1'])

    def tls(plain):
        return context.wrap_socket(plain, server_hostname='localhost')

    slow, quick = (Client(server, V5, tls=tls) for _ in range(2))
    for client, name in ((slow, 'slow'), (quick, 'quick')):
        check_equal(client.connect(name, username=server.token).code, 0, name)
    slow.subscribe('t', qos=1)
    payloads = [bytes([i]) * (i * 7919 % 300000) for i in range(100)]
    for payload in payloads:
        quick.publish('t', payload, qos=1)
    slow.socket.send_frame(FIN | PING, b'behind what waits')
    for i, payload in enumerate(payloads):
        check_equal(slow.recv().payload == payload, True, f'message {i}')
    slow.ping()
    check_equal(slow.socket.pongs, [b'behind what waits'])
    for client in (slow, quick):
        client.socket.send_frame(FIN | CLOSE, b'\x03\xe8')
        check_equal(client.socket.wait_close(), 1000)
        client.close()


test_over_tls.tls = True


def test_takeover_from_tcp(server):
    old = server.client('same', V5)
    new = sign_in(server, 'same', V5)
    check_equal(old.wait(mqttwire.DISCONNECT).body[0], 0x8E)
    newest = server.client('same', V5)
    check_equal(new.wait(mqttwire.DISCONNECT).body[0], 0x8E)
    check_equal(new.socket.wait_close(), 1008)
    for client in (old, new, newest):
        client.close()


def test_rest_at_the_same_time(server):
    """A kept HTTP connection, and one that becomes a WebSocket behind two requests."""
    rest = http.client.HTTPConnection('127.0.0.1', server.http_port, timeout=10)
    client = sign_in(server, 'listens', V5)
    client.subscribe('t', qos=1)
    with contextlib.closing(rest):
        for i in range(3):
            rest.request('GET', '/health')
            check_equal(rest.getresponse().read() != b'', True)
            device = server.create_device(f'device-{i}')
            client.publish('t', str(device['id']), qos=1)
            check_equal(client.recv().payload.decode(), str(device['id']))
    get = b'GET /health HTTP/1.1\r\nHost: hub\r\n\r\n'
    plain = socket.create_connection(('127.0.0.1', server.http_port), 10)
    plain.sendall(get + get + wswire.handshake()
                  + frame(FIN | BINARY, connect_packet('behind', V311, username=server.token)))
    answer = b''
    while not answer.endswith(b'\x82\x04\x20\x02\x00\x00'):
        more = plain.recv(65536)
        assert more, answer
        answer += more
    check_equal(answer.count(b'HTTP/1.1 200 OK'), 2, answer)
    check_equal(answer.count(b'HTTP/1.1 101 Switching Protocols'), 1, answer)
    plain.close()
    client.disconnect()
