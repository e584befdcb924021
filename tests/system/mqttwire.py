"""A small MQTT client of the tests' own: 3.1, 3.1.1 and 5.0 over a plain socket.

Every packet can be built, sent and looked at byte by byte, which finished clients do not allow, and
nothing is shared with the program under test. Packets that the tests await in another order than
they arrive are kept: publications in `inbox`, the rest in `pending`.
"""

import socket
import time
from collections import namedtuple

V31, V311, V5 = 3, 4, 5
(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE,
 UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH) = range(1, 16)

# MQTT 5.0 2.2.2.2: identifier -> name, type
PROPERTIES = {
    0x01: ('payload_format', 'u8'), 0x02: ('message_expiry', 'u32'), 0x03: ('content_type', 'text'),
    0x08: ('response_topic', 'text'), 0x09: ('correlation_data', 'bytes'),
    0x0B: ('subscription_id', 'varint'), 0x11: ('session_expiry', 'u32'),
    0x12: ('assigned_client_id', 'text'), 0x13: ('server_keep_alive', 'u16'),
    0x15: ('authentication_method', 'text'), 0x16: ('authentication_data', 'bytes'),
    0x17: ('request_problem_information', 'u8'), 0x18: ('will_delay', 'u32'),
    0x19: ('request_response_information', 'u8'), 0x1A: ('response_information', 'text'),
    0x1C: ('server_reference', 'text'), 0x1F: ('reason_string', 'text'),
    0x21: ('receive_maximum', 'u16'), 0x22: ('topic_alias_maximum', 'u16'),
    0x23: ('topic_alias', 'u16'), 0x24: ('maximum_qos', 'u8'), 0x25: ('retain_available', 'u8'),
    0x26: ('user_property', 'pair'), 0x27: ('maximum_packet_size', 'u32'),
    0x28: ('wildcard_available', 'u8'), 0x29: ('subscription_id_available', 'u8'),
    0x2A: ('shared_available', 'u8'),
}
PROPERTY_IDS = {name: (number, kind) for number, (name, kind) in PROPERTIES.items()}
REPEATABLE = ('user_property', 'subscription_id')
SIZES = {'u8': 1, 'u16': 2, 'u32': 4}

Packet = namedtuple('Packet', 'type flags body')
Connack = namedtuple('Connack', 'session_present code properties')
Message = namedtuple('Message', 'topic payload qos retain dup packet_id properties')
Ack = namedtuple('Ack', 'type packet_id code properties')
Suback = namedtuple('Suback', 'packet_id codes properties')
Will = namedtuple('Will', 'topic payload qos retain properties', defaults=(0, False, None))


class Closed(Exception):
    """The server closed the connection."""


class Timeout(Exception):
    """Nothing came in time."""


# ---- bytes ----

def varint(value):
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2, 'big') + data


def encode_property(name, value):
    number, kind = PROPERTY_IDS[name]
    if kind == 'pair':
        data = text(value[0]) + text(value[1])
    elif kind == 'varint':
        data = varint(value)
    elif kind in SIZES:
        data = value.to_bytes(SIZES[kind], 'big')
    else:
        data = text(value)
    return bytes([number]) + data


def encode_properties(version, properties):
    """The block with its length; nothing before 5.0. Repeatable ones are given as lists."""
    if version < V5:
        return b''
    out = b''
    for name, value in (properties or {}).items():
        for one in value if name in REPEATABLE and isinstance(value, list) else [value]:
            out += encode_property(name, one)
    return varint(len(out)) + out


class Cursor:
    """Takes a packet's body apart; running past its end raises, which fails the test."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError(f'{n} bytes wanted at {self.at} of {self.data.hex()}')
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), 'big')

    def varint(self):
        value = shift = 0
        while True:
            digit = self.number(1)
            value |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return value

    def text(self):
        return self.take(self.number(2)).decode()

    def rest(self):
        return self.take(len(self.data) - self.at)

    def is_done(self):
        return self.at == len(self.data)

    def properties(self, version):
        if version < V5 or self.is_done():
            return {}
        block, out = Cursor(self.take(self.varint())), {}
        while not block.is_done():
            name, kind = PROPERTIES[block.number(1)]
            if kind == 'pair':
                value = (block.text(), block.text())
            elif kind == 'varint':
                value = block.varint()
            elif kind == 'bytes':
                value = block.take(block.number(2))
            elif kind == 'text':
                value = block.text()
            else:
                value = block.number(SIZES[kind])
            if name in REPEATABLE:
                out.setdefault(name, []).append(value)
            elif name in out:
                raise ValueError(f'property {name} came twice')
            else:
                out[name] = value
        return out


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def connect_packet(client_id='', version=V311, username=None, password=None, clean=True,
                   keepalive=60, will=None, properties=None):
    flags = 0x02 if clean else 0
    payload = text(client_id)
    if will:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += encode_properties(version, will.properties) + text(will.topic) \
            + text(will.payload)
    if username is not None:
        flags |= 0x80
        payload += text(username)
    if password is not None:
        flags |= 0x40
        payload += text(password)
    name = 'MQIsdp' if version == V31 else 'MQTT'
    return packet(CONNECT, 0, text(name) + bytes([version, flags]) + keepalive.to_bytes(2, 'big')
                  + encode_properties(version, properties) + payload)


def publish_packet(version, topic, payload=b'', qos=0, retain=False, dup=False, packet_id=0,
                   properties=None):
    data = payload.encode() if isinstance(payload, str) else payload
    return packet(PUBLISH, (8 if dup else 0) | qos << 1 | (1 if retain else 0),
                  text(topic) + (packet_id.to_bytes(2, 'big') if qos else b'')
                  + encode_properties(version, properties) + data)


def subscribe_packet(version, packet_id, filters, properties=None):
    """`filters`: pairs of filter and options byte (QoS in the lowest two bits)."""
    return packet(SUBSCRIBE, 2, packet_id.to_bytes(2, 'big')
                  + encode_properties(version, properties)
                  + b''.join(text(name) + bytes([options]) for name, options in filters))


def unsubscribe_packet(version, packet_id, filters, properties=None):
    return packet(UNSUBSCRIBE, 2, packet_id.to_bytes(2, 'big')
                  + encode_properties(version, properties) + b''.join(map(text, filters)))


def ack_packet(kind, packet_id):
    return packet(kind, 2 if kind == PUBREL else 0, packet_id.to_bytes(2, 'big'))


# ---- the client ----

class Client:
    """One connection. With `auto_ack` incoming publications are acknowledged as they are read.
    `wrap` makes of the fresh socket the one to use: TLS."""

    def __init__(self, port, version=V311, host='127.0.0.1', timeout=10, auto_ack=True, wrap=None):
        self.version, self.timeout, self.auto_ack = version, timeout, auto_ack
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:
            self.socket = wrap(self.socket)
        self.data = b''
        self.inbox, self.pending = [], []
        self.last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        """This end, "ip:port", as the server's log names the peer."""
        host, port = self.socket.getsockname()[:2]
        return f'{host}:{port}'

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Timeout(f'nothing more came in time; unread: {self.data[:64].hex()!r}')
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise Timeout('nothing came in time') from None
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed('end of stream')
        self.data += data

    def _cut(self):
        """The first whole packet of `data`, or None."""
        size = shift = 0
        for at in range(1, min(len(self.data), 5)):
            size |= (self.data[at] & 0x7F) << shift
            shift += 7
            if not self.data[at] & 0x80:
                end = at + 1 + size
                if len(self.data) < end:
                    return None
                whole, self.data = self.data[:end], self.data[end:]
                return Packet(whole[0] >> 4, whole[0] & 15, whole[at + 1:])
        return None

    def read_packet(self, timeout=None):
        """The next packet as it came; nothing is acknowledged."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            found = self._cut()
            if found:
                return found
            self._fill(deadline)

    def _pump(self, deadline):
        """Reads one packet, acknowledges it where that is due, and keeps it."""
        got = self.read_packet(max(0.0, deadline - time.monotonic()))
        if got.type == PUBLISH:
            message = self.decode_publish(got)
            self.inbox.append(message)
            if self.auto_ack and message.qos:
                self.send(ack_packet(PUBACK if message.qos == 1 else PUBREC, message.packet_id))
        elif got.type == PUBREL and self.auto_ack:
            self.send(ack_packet(PUBCOMP, Cursor(got.body).number(2)))
        else:
            self.pending.append(got)

    def wait(self, *types, timeout=None):
        """The first packet of one of `types` that is not a publication."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            for i, got in enumerate(self.pending):
                if got.type in types:
                    return self.pending.pop(i)
            self._pump(deadline)

    def recv(self, timeout=None):
        """The next publication."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.inbox:
            self._pump(deadline)
        return self.inbox.pop(0)

    def recv_none(self, seconds=0.3):
        """Asserts that no publication comes for a while."""
        try:
            message = self.recv(timeout=seconds)
        except Timeout:
            return
        raise AssertionError(f'unexpected publication: {message}')

    def is_closed_within(self, seconds):
        """Reads on until the server closes (True) or the time is over (False)."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._fill(deadline)
        except Closed:
            return True
        except Timeout:
            return False

    def decode_publish(self, got):
        cursor, qos = Cursor(got.body), got.flags >> 1 & 3
        topic = cursor.text()
        packet_id = cursor.number(2) if qos else 0
        properties = cursor.properties(self.version)
        return Message(topic, cursor.rest(), qos, bool(got.flags & 1), bool(got.flags & 8),
                       packet_id, properties)

    def decode_ack(self, got):
        cursor = Cursor(got.body)
        packet_id = cursor.number(2)
        code = 0 if cursor.is_done() else cursor.number(1)
        return Ack(got.type, packet_id, code, cursor.properties(self.version))

    # ---- conversations ----

    def connect(self, client_id='', **options):
        """Sends CONNECT; the CONNACK, whatever it says."""
        self.send(connect_packet(client_id, self.version, **options))
        cursor = Cursor(self.wait(CONNACK).body)
        flags, code = cursor.number(1), cursor.number(1)
        return Connack(bool(flags & 1), code, cursor.properties(self.version))

    def next_id(self):
        self.last_id = self.last_id % 65535 + 1
        return self.last_id

    def subscribe(self, *filters, qos=0, properties=None):
        """`filters`: names, or pairs of name and options byte. The SUBACK."""
        pairs = [f if isinstance(f, tuple) else (f, qos) for f in filters]
        self.send(subscribe_packet(self.version, self.next_id(), pairs, properties))
        cursor = Cursor(self.wait(SUBACK).body)
        packet_id = cursor.number(2)
        assert packet_id == self.last_id, f'SUBACK for {packet_id}, not {self.last_id}'
        properties = cursor.properties(self.version)
        return Suback(packet_id, list(cursor.rest()), properties)

    def unsubscribe(self, *filters):
        self.send(unsubscribe_packet(self.version, self.next_id(), filters))
        cursor = Cursor(self.wait(UNSUBACK).body)
        packet_id, properties = cursor.number(2), cursor.properties(self.version)
        return Suback(packet_id, list(cursor.rest()), properties)

    def publish(self, topic, payload=b'', qos=0, retain=False, properties=None):
        """Publishes and sees the handshake through; the last Ack, None at QoS 0."""
        packet_id = self.next_id() if qos else 0
        self.send(publish_packet(self.version, topic, payload, qos, retain, False, packet_id,
                                 properties))
        if qos == 0:
            return None
        ack = self.decode_ack(self.wait(PUBACK if qos == 1 else PUBREC))
        assert ack.packet_id == packet_id, f'{ack} is not for {packet_id}'
        if qos == 2 and ack.code < 0x80:
            self.send(ack_packet(PUBREL, packet_id))
            ack = self.decode_ack(self.wait(PUBCOMP))
            assert ack.packet_id == packet_id, f'{ack} is not for {packet_id}'
        return ack

    def ping(self):
        self.send(packet(PINGREQ, 0, b''))
        self.wait(PINGRESP)

    def disconnect(self):
        self.send(packet(DISCONNECT, 0, b''))
        self.close()
