"""A WebSocket client of the tests' own (RFC 6455), over any connected socket: every frame can be
built wrongly, sent in pieces and looked at. `Socket` also stands in for the plain socket of
mqttwire's Client, which then speaks MQTT through it."""

import base64
import hashlib
import os
import socket

import mqttwire
from mqttwire import Closed

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
FRAME_MAX = 65535  # the longest that the server sends


class Refused(Exception):
    """The server answered the handshake with another status than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f'{status}: {body}')
        self.status, self.headers, self.body = status, headers, body


def handshake(path='/', subprotocols=('mqtt',), key=b'', version='13', **headers):
    """The request. Other headers by name, with _ for -; None takes one of the usual ones away."""
    usual = {'Host': 'hub', 'Connection': 'keep-alive, Upgrade', 'Upgrade': 'websocket',
             'Origin': 'https://elsewhere.example', 'Sec-WebSocket-Version': version,
             'Sec-WebSocket-Key': (key or base64.b64encode(os.urandom(16))).decode(),
             'Sec-WebSocket-Protocol': ', '.join(subprotocols) or None}
    usual.update({name.replace('_', '-'): value for name, value in headers.items()})
    lines = [f'{name}: {value}' for name, value in usual.items() if value is not None]
    return '\r\n'.join([f'GET {path} HTTP/1.1', *lines, '', '']).encode()


def frame(first, payload=b'', mask=b'\x5a\x01\xfe\x83', length=None):
    """`first`: FIN, RSV, opcode. `mask` None: not masked. `length`: another than the payload's."""
    n = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    if n < 126:
        head = bytes([first, bit | n])
    elif n < 65536:
        head = bytes([first, bit | 126]) + n.to_bytes(2, 'big')
    else:
        head = bytes([first, bit | 127]) + n.to_bytes(8, 'big')
    if not mask:
        return head + payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], 'big')
    return head + mask + (key ^ int.from_bytes(payload, 'big')).to_bytes(len(payload), 'big')


class Socket:
    """A WebSocket on `plain`. What came in binary frames is read with recv, as from a socket; pongs
    and the server's close are kept."""

    def __init__(self, plain, early=b'', **options):
        """`early` is sent together with the handshake."""
        self.plain, self.data, self.payload = plain, b'', b''
        self.pongs, self.close_code, self.frames = [], None, []
        key = options.setdefault('key', base64.b64encode(os.urandom(16)))
        plain.sendall(handshake(**options) + early)
        self.status, self.headers = self._read_head()
        if self.status != 101:
            raise Refused(self.status, self.headers, self._read_body())
        expected = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        assert self.headers['sec-websocket-accept'] == expected, self.headers
        assert self.headers['upgrade'].lower() == 'websocket', self.headers
        assert self.headers['connection'].lower() == 'upgrade', self.headers

    # ---- HTTP ----

    def _fill(self):
        more = self.plain.recv(65536)
        if not more:
            raise Closed('end of stream')
        self.data += more

    def _read_head(self):
        while b'\r\n\r\n' not in self.data:
            self._fill()
        head, self.data = self.data.split(b'\r\n\r\n', 1)
        first, *lines = head.decode().split('\r\n')
        pairs = (line.split(':', 1) for line in lines)
        return int(first.split()[1]), {n.strip().lower(): v.strip() for n, v in pairs}

    def _read_body(self):
        while len(self.data) < int(self.headers.get('content-length', 0)):
            self._fill()
        return self.data.decode()

    # ---- frames ----

    def send_frame(self, first, payload=b'', **options):
        self.plain.sendall(frame(first, payload, **options))

    def read_frame(self):
        """The next frame of the server: (opcode, payload). It must be whole, bare and short."""
        while len(self.data) < 2:
            self._fill()
        first, n, at = self.data[0], self.data[1], 2
        assert first & 0xF0 == FIN, f'frame begins with {first:#04x}'
        assert n <= 126, f'length byte {n:#04x}: masked, or too long'
        if n == 126:
            while len(self.data) < 4:
                self._fill()
            n, at = int.from_bytes(self.data[2:4], 'big'), 4
            assert n >= 126, f'{n} in the long form'
        while len(self.data) < at + n:
            self._fill()
        payload, self.data = self.data[at:at + n], self.data[at + n:]
        return first & 15, payload

    def _take_frame(self):
        opcode, payload = self.read_frame()
        if opcode == BINARY:
            self.frames.append(len(payload))
            self.payload += payload
        elif opcode == PONG:
            self.pongs.append(payload)
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload, 'big') if payload else 0
            raise Closed(f'close frame {self.close_code}')
        else:
            raise AssertionError(f'frame with opcode {opcode}')

    def ping(self, payload=b''):
        """Sends a ping and waits for its pong."""
        self.send_frame(FIN | PING, payload)
        while payload not in self.pongs:
            self._take_frame()
        self.pongs.remove(payload)

    def wait_close(self):
        """Reads until the server's close frame; its code. Behind it nothing may come."""
        try:
            while True:
                self._take_frame()
        except Closed:
            assert self.close_code is not None, 'the stream ended without a close frame'
        assert not self.data and not self.plain.recv(1), 'bytes behind the close frame'
        return self.close_code

    # ---- as a socket ----

    def sendall(self, data):
        self.send_frame(FIN | BINARY, data)

    def recv(self, n):
        try:
            while not self.payload:
                self._take_frame()
        except Closed:
            return b''
        out, self.payload = self.payload[:n], self.payload[n:]
        return out

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)

    def shutdown(self, how):
        self.plain.shutdown(how)

    def getsockname(self):
        return self.plain.getsockname()

    def close(self):
        self.plain.close()


def open_socket(server, **options):
    plain = socket.create_connection(('127.0.0.1', server.http_port), 10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return Socket(plain, **options)
    except BaseException:
        plain.close()
        raise


class Client(mqttwire.Client):
    """mqttwire's client over WebSocket; `ws` gives options of its handshake."""

    def __init__(self, server, version=mqttwire.V311, ws=None, tls=None, **options):
        """`tls` makes TLS of a socket: then it is the https port."""
        port = server.https_port if tls else server.http_port
        super().__init__(port, version, **options, wrap=lambda plain: Socket(
            tls(plain) if tls else plain, **(ws or {})))
