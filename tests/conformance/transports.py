"""The ways to the broker as streams of bytes: TCP, TLS, WebSocket, and WebSocket over TLS.

A stream has what mqttwire.Client needs of a socket: sendall, recv, settimeout, shutdown, close,
getsockname. `shutdown` always ends the TCP connection underneath, as a client does that vanishes.
The WebSocket client is our own (RFC 6455), so that frames can be cut and damaged at will.
"""

import base64
import contextlib
import hashlib
import secrets
import socket
import ssl
from collections import namedtuple

import harness
import mqttwire

HOST = '127.0.0.1'
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ACCEPT_SALT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'  # RFC 6455 1.3
HEADER_MAX = 16384

Frame = namedtuple('Frame', 'is_final reserved opcode data')


class NoUpgrade(Exception):
    """The answer to the handshake was no HTTP, or none came."""


def open_tcp(port, timeout):
    stream = socket.create_connection((HOST, port), timeout)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


class TlsStream:
    """TLS without a look at the certificate: the hub made it itself at its first start."""

    def __init__(self, port, timeout, protocol):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
        raw = open_tcp(port, timeout)
        self._below = raw.dup()
        self._tls = context.wrap_socket(raw)

    def sendall(self, data):
        with self._as_connection_error():
            self._tls.sendall(data)

    def recv(self, n):
        with self._as_connection_error():
            return self._tls.recv(n)

    @staticmethod
    @contextlib.contextmanager
    def _as_connection_error():
        try:
            yield
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from None

    def settimeout(self, seconds):
        self._tls.settimeout(seconds)

    def shutdown(self, how):
        self._below.shutdown(how)

    def getsockname(self):
        return self._below.getsockname()

    def close(self):
        self._below.close()
        self._tls.close()


class WebSocketStream:
    """A WebSocket over another stream. What is sent goes out as one binary frame each time; pings
    are answered; recv gives the bytes of binary frames, b'' once the other side closed."""

    def __init__(self, below, path='/mqtt', protocols=('mqtt',), headers=()):
        self.below, self.data = below, b''
        self.payload = b''
        self.close_code = None
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        offer = [f'Sec-WebSocket-Protocol: {", ".join(protocols)}'] if protocols else []
        lines = [f'GET {path} HTTP/1.1', f'Host: {HOST}', 'Upgrade: websocket',
                 'Connection: Upgrade', f'Sec-WebSocket-Key: {key}', 'Sec-WebSocket-Version: 13',
                 *offer, *headers]
        below.sendall('\r\n'.join(lines + ['', '']).encode())
        self.status, self.headers = self._read_head()
        if self.status == 101:
            digest = hashlib.sha1((key + ACCEPT_SALT).encode()).digest()
            accept = base64.b64encode(digest).decode()
            harness.check_equal(self.headers.get('sec-websocket-accept'), accept, 'accept')

    def _read_head(self):
        while b'\r\n\r\n' not in self.data:
            more = self.below.recv(4096)
            if not more or len(self.data) > HEADER_MAX:
                raise NoUpgrade(f'no HTTP answer: {self.data[:80]!r}')
            self.data += more
        head, _, self.data = self.data.partition(b'\r\n\r\n')
        first, *lines = head.decode('latin-1').split('\r\n')
        fields = (line.partition(':') for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in fields}

    def send_frame(self, opcode, data, is_final=True, is_masked=True, reserved=0, length=None):
        """One frame as it is told; `length` replaces the field that tells it, mask bit and all."""
        size, mask = len(data), secrets.token_bytes(4) if is_masked else b''
        head = bytes([(0x80 if is_final else 0) | reserved << 4 | opcode])
        bit = 0x80 if is_masked else 0
        if length is not None:
            head += length
        elif size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + size.to_bytes(2, 'big')
        else:
            head += bytes([bit | 127]) + size.to_bytes(8, 'big')
        self.below.sendall(head + mask + (self._masked(data, mask) if mask else data))

    @staticmethod
    def _masked(data, mask):
        size = len(data)
        key = (mask * (size // 4 + 1))[:size]
        number = int.from_bytes(data, 'big') ^ int.from_bytes(key, 'big')
        return number.to_bytes(size, 'big')

    def sendall(self, data):
        self.send_frame(BINARY, data)

    def _cut(self):
        """The first whole frame of `data`, or None. Servers do not mask (RFC 6455 5.1)."""
        if len(self.data) < 2:
            return None
        first, size, at = self.data[0], self.data[1], 2
        assert not size & 0x80, 'the server masks its frames'
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(self.data) < at:
                return None
            size = int.from_bytes(self.data[2:at], 'big')
        if len(self.data) < at + size:
            return None
        frame = Frame(bool(first & 0x80), first >> 4 & 7, first & 15, self.data[at:at + size])
        self.data = self.data[at + size:]
        return frame

    def read_frame(self):
        """The next frame; None at the end of the stream."""
        while True:
            frame = self._cut()
            if frame:
                return frame
            more = self.below.recv(65536)
            if not more:
                return None
            self.data += more

    def recv(self, n):
        while not self.payload:
            frame = self.read_frame()
            if frame is None:
                return b''
            if frame.opcode == CLOSE:
                self.close_code = int.from_bytes(frame.data[:2], 'big')
                return b''
            if frame.opcode == PING:
                self.send_frame(PONG, frame.data)
            elif frame.opcode != PONG:
                assert frame.opcode in (BINARY, CONTINUATION), f'{frame} is no binary frame'
                assert frame.reserved == 0, f'{frame} has reserved bits'
                self.payload += frame.data
        out, self.payload = self.payload[:n], self.payload[n:]
        return out

    def settimeout(self, seconds):
        self.below.settimeout(seconds)

    def shutdown(self, how):
        self.below.shutdown(how)

    def getsockname(self):
        return self.below.getsockname()

    def close(self):
        self.below.close()


class Client(mqttwire.Client):
    """The tests' MQTT client over a stream that is there already."""

    def __init__(self, stream, version, auto_ack=True, timeout=10):
        self.version, self.timeout, self.auto_ack = version, timeout, auto_ack
        self.socket = stream
        self.data = b''
        self.inbox, self.pending = [], []
        self.last_id = 0


class Transport:
    """One way to a hub. `is_tls` and `is_web` say what lies between TCP and MQTT."""

    def __init__(self, name, is_tls, is_web):
        self.name, self.is_tls, self.is_web = name, is_tls, is_web

    def start(self, shards):
        """A hub at work that listens for this transport."""
        server = harness.Server('--shards', str(shards), tls=self.is_tls)
        server.port = ((server.mqtt_port, server.http_port),
                       (server.mqtts_port, server.https_port))[self.is_tls][self.is_web]
        try:
            return server.start()
        except AssertionError:
            server.discard()
            raise

    def open_below(self, server, timeout=10):
        """The stream that WebSocket, or MQTT itself, runs on."""
        if self.is_tls:
            return TlsStream(server.port, timeout, 'http/1.1' if self.is_web else 'mqtt')
        return open_tcp(server.port, timeout)

    def open(self, server, timeout=10):
        """A stream for MQTT."""
        below = self.open_below(server, timeout)
        if not self.is_web:
            return below
        stream = WebSocketStream(below)
        harness.check_equal(stream.status, 101, 'the answer to the handshake')
        return stream


TRANSPORTS = {t.name: t for t in (Transport('tcp', False, False), Transport('tls', True, False),
                                  Transport('ws', False, True), Transport('wss', True, True))}
