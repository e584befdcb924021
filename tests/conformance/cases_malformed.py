"""The matrix of malformed input: type of packet x kind of damage.

Each row is a case: what is sent, and the reason code that the end must have in 5.0 (CONNACK for the
first packet, DISCONNECT later); 3.x is closed without a word. After each piece of damage somebody
else goes on publishing and receiving. Where the standard leaves 0x81 (malformed) or 0x82 (protocol
error) open, both are allowed; where it names one, that one is expected.
"""

import functools

import mqttwire
from mqttwire import (AUTH, CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, PROPERTY_IDS, PUBACK,
                      PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE, UNSUBACK,
                      UNSUBSCRIBE, V31, V5, encode_property, packet, text, varint)
from suite import ALL, add_case, expect_closed, expect_end, expect_refusal, leave, vanish

MALFORMED, PROTOCOL_ERROR, EITHER = 0x81, 0x82, (0x81, 0x82)
TYPES = {CONNECT: 'CONNECT', PUBLISH: 'PUBLISH', PUBACK: 'PUBACK', PUBREC: 'PUBREC',
         PUBREL: 'PUBREL', PUBCOMP: 'PUBCOMP', SUBSCRIBE: 'SUBSCRIBE', UNSUBSCRIBE: 'UNSUBSCRIBE',
         PINGREQ: 'PINGREQ', DISCONNECT: 'DISCONNECT', AUTH: 'AUTH'}
ACKS = (PUBACK, PUBREC, PUBREL, PUBCOMP)

BAD_TEXTS = {
    'a lone continuation byte': b'\x80', 'a byte that is in no UTF-8': b'\xff',
    'an overlong slash': b'\xc0\xaf', 'an overlong slash of three bytes': b'\xe0\x80\xaf',
    'a high surrogate': b'\xed\xa0\x80', 'a low surrogate': b'\xed\xbf\xbf',
    'beyond U+10FFFF': b'\xf4\x90\x80\x80', 'a sequence of five': b'\xf8\x88\x80\x80\x80',
    'a cut sequence': b'a\xe2\x82', 'U+0000': b'a\0b', 'U+0000 alone': b'\0'}


def flags_of(kind):
    return 2 if kind in (PUBREL, SUBSCRIBE, UNSUBSCRIBE) else 0


# ---- what packets look like ----

def connect_body(t, block=b'\0', client_id=None, will=None, user=None, flags=None,
                 will_block=b'\0'):
    """CONNECT's body; `block`, `will_block`: properties with their length, for 5.0."""
    name = text('MQIsdp' if t.version == V31 else 'MQTT')
    bits = 0xC2 if flags is None else flags
    fields = text(t.id() if client_id is None else client_id)
    if will is not None:
        bits |= 0x04
        fields += (will_block if t.is_5 else b'') + text(will) + text('gone')
    fields += text(t.server.token if user is None else user) + text('')
    return name + bytes([t.version, bits]) + b'\0\x3c' + (block if t.is_5 else b'') + fields


def body_of(t, kind, block=b'\0'):
    """A whole body of each type, with everything that can be in it."""
    properties = block if t.is_5 else b''
    if kind == CONNECT:
        return connect_body(t, block, will=t.topic('will'))
    if kind == PUBLISH:
        return text(t.topic()) + b'\0\7' + properties
    if kind in ACKS:
        return b'\0\7' + (b'\0' + properties if t.is_5 else b'')
    if kind == SUBSCRIBE:
        return b'\0\7' + properties + text(t.topic()) + b'\0' + text('b') + b'\1'
    if kind == UNSUBSCRIBE:
        return b'\0\7' + properties + text(t.topic()) + text('b')
    if kind == DISCONNECT:
        return b'\0' + properties if t.is_5 else b''
    if kind == AUTH:
        return b'\x18' + block
    return b''


def whole_packet(t, kind):
    return packet(kind, 2 if kind == PUBLISH else flags_of(kind), body_of(t, kind))


def kinds_of(version):
    return [kind for kind in TYPES if kind != AUTH or version == V5]


# ---- how rows run ----

def send_first(t, data, code):
    """As the first packet of a connection."""
    client = t.open()
    client.send(data)
    expect_refusal(client, code)
    t.check_others()


def send_later(t, data, code):
    client = t.client()
    client.send(data)
    expect_end(client, code)
    t.check_others()


def send(t, kind, data, code):
    (send_first if kind == CONNECT else send_later)(t, data, code)


def send_unread(t, kind, data):
    """What is wrong with the fixed header: before the version is known nothing can be said."""
    if kind == CONNECT:
        send_first(t, data, None)
    else:
        send_later(t, data, MALFORMED)


def rows(name, versions=ALL):
    """Makes a case of each pair (packet, function) that the decorated generator yields."""
    def enter(generator):
        for what, function in generator():
            add_case(f'malformed {what}: {name}', function, versions)
        return generator
    return enter


def each_kind(name, only=TYPES, versions=ALL):
    """A case for each packet type of a function(t, kind)."""
    def enter(function):
        for kind in only:
            mine = (V5,) if kind == AUTH else versions
            add_case(f'malformed {TYPES[kind]}: {name}', functools.partial(function, kind=kind),
                     mine)
        return function
    return enter


# ---- the fixed header ----

@each_kind('reserved flags')
def wrong_flags(t, kind):
    if kind == PUBLISH:
        wrong = [6, 7, 14, 15, 8, 9]  # QoS 3, and DUP at QoS 0, which is no question of format
    else:
        right = {flags_of(kind)}
        if t.version == V31 and right == {2}:
            right.add(10)
        wrong = sorted(set(range(16)) - right)
    for flags in wrong:
        data = packet(kind, flags, body_of(t, kind))
        if kind == CONNECT:
            send_first(t, data, None)
        else:
            send_later(t, data, EITHER if kind == PUBLISH and flags in (8, 9) else MALFORMED)


@each_kind('remaining length of five bytes')
def length_of_five_bytes(t, kind):
    first = bytes([kind << 4 | flags_of(kind)])
    for length in (b'\x80\x80\x80\x80\x01', b'\xff\xff\xff\xff\x7f', b'\x80\x80\x80\x80\x00',
                   b'\xff\xff\xff\xff\xff\xff'):
        send_unread(t, kind, first + length + body_of(t, kind))


@each_kind('remaining length that takes too many bytes')
def overlong_length(t, kind):
    """Malformed in 5.0 (1.5.5-1). 3.x has no rule; the hub refuses it there as well."""
    first = bytes([kind << 4 | flags_of(kind)])
    body = body_of(t, kind)
    assert len(body) < 16384
    low, high = len(body) & 0x7F, len(body) >> 7
    lengths = [bytes([low | 0x80, high | 0x80, 0])] + ([] if high else [bytes([low | 0x80, 0])])
    for length in lengths:
        send_unread(t, kind, first + length + body)


def lengths_that_are_whole(t, kind, size):
    """Lengths to which a body may be cut and is a packet still."""
    head = 2 + (1 if t.is_5 else 0)
    if kind == PUBLISH:
        return {size}
    if kind in ACKS:
        return {2, 3, size} if t.is_5 else {size}
    if kind == SUBSCRIBE:
        return {head + 2 + len(t.topic()) + 1, size}
    if kind == UNSUBSCRIBE:
        return {head + 2 + len(t.topic()), size}
    if kind == DISCONNECT:
        return {0, 1, size}
    if kind == AUTH:
        return {0, size}
    if kind == CONNECT and t.version == V31:
        # The remaining length wins over the flags of user name and password.
        return {size - 2, size - 2 - 2 - len(t.server.token), size}
    return {size}


@each_kind('body that ends too early', [k for k in TYPES if k != PINGREQ])
def body_cut_at_every_byte(t, kind):
    """The remaining length says where. A list without an element is a protocol error."""
    body = body_of(t, kind)
    whole = lengths_that_are_whole(t, kind, len(body))
    head = 3 if t.is_5 else 2
    for size in set(range(len(body))) - whole:
        data = packet(kind, 2 if kind == PUBLISH else flags_of(kind), body[:size])
        is_empty_list = kind in (SUBSCRIBE, UNSUBSCRIBE) and size == head
        if kind == CONNECT:
            # Before protocol name and level are there, nobody knows how to tell.
            send_first(t, data, MALFORMED if size >= 7 else None)
        else:
            send_later(t, data, PROTOCOL_ERROR if is_empty_list else MALFORMED)


@each_kind('bytes behind the body', [k for k in TYPES if k != PUBLISH])
def bytes_behind_the_body(t, kind):
    for more in (b'\0', b'x', b'\0\1a\0'):
        if kind in (SUBSCRIBE, UNSUBSCRIBE) and len(more) == 4:
            continue  # another filter, or nearly so
        send(t, kind, packet(kind, flags_of(kind), body_of(t, kind) + more), MALFORMED)


@each_kind('stream that ends at every byte')
def stream_cut_at_every_byte(t, kind):
    data = whole_packet(t, kind)
    for size in range(1, len(data)):
        client = t.open() if kind == CONNECT else t.client()
        client.send(data[:size])
        vanish(client)
        assert client.data == b'' and not client.pending, client.data.hex()
        t.check_others()


@each_kind('more is announced than comes', [k for k in TYPES if k != PINGREQ])
def length_too_long(t, kind):
    """The rest is waited for; when the stream ends instead, that is all."""
    first, body = bytes([kind << 4 | (2 if kind == PUBLISH else flags_of(kind))]), body_of(t, kind)
    for more in (1, 300, 60000):
        client = t.open() if kind == CONNECT else t.client()
        client.send(first + varint(len(body) + more) + body)
        t.check_others()
        vanish(client)
        assert client.data == b'' and not client.pending, client.data.hex()


# ---- text ----

def text_places(t):
    """(what, packet type, packet with `bad` in that place) for each place of text."""
    head = b'\0\7' + (b'\0' if t.is_5 else b'')

    def place(kind, flags, make):
        return kind, lambda bad: packet(kind, flags, make(bad))
    yield place(CONNECT, 0, lambda bad: connect_body(t, client_id=bad))
    yield place(CONNECT, 0, lambda bad: connect_body(t, will=bad))
    yield place(CONNECT, 0, lambda bad: connect_body(t, user=bad))
    yield place(PUBLISH, 0, lambda bad: text(bad) + head[2:] + b'x')
    yield place(SUBSCRIBE, 2, lambda bad: head + text('a') + b'\0' + text(bad) + b'\0')
    yield place(UNSUBSCRIBE, 2, lambda bad: head + text('a') + text(bad))


@rows('text that is not valid')
def bad_text():
    for name, bad in BAD_TEXTS.items():
        def run(t, bad=bad):
            for kind, make in text_places(t):
                send(t, kind, make(bad), MALFORMED)
        yield name, run


# ---- properties (5.0) ----

CARRIED = {  # MQTT 5.0 2.2.2.2: what a client may put where
    'CONNECT': {'session_expiry', 'authentication_method', 'authentication_data',
                'request_problem_information', 'request_response_information', 'receive_maximum',
                'topic_alias_maximum', 'user_property', 'maximum_packet_size'},
    'will': {'payload_format', 'message_expiry', 'content_type', 'response_topic',
             'correlation_data', 'will_delay', 'user_property'},
    'PUBLISH': {'payload_format', 'message_expiry', 'content_type', 'response_topic',
                'correlation_data', 'topic_alias', 'user_property'},
    'PUBACK': {'reason_string', 'user_property'}, 'PUBREC': {'reason_string', 'user_property'},
    'PUBREL': {'reason_string', 'user_property'}, 'PUBCOMP': {'reason_string', 'user_property'},
    'SUBSCRIBE': {'subscription_id', 'user_property'}, 'UNSUBSCRIBE': {'user_property'},
    'DISCONNECT': {'session_expiry', 'reason_string', 'user_property'},
    'AUTH': {'authentication_method', 'authentication_data', 'reason_string', 'user_property'},
}
# Allowed in this packet, but not from a client: a protocol error rather than malformed.
OF_THE_SERVER = {('PUBLISH', 'subscription_id'), ('DISCONNECT', 'server_reference')}
VALUES = {'u8': 1, 'u16': 1, 'u32': 1000, 'varint': 1, 'text': 'x', 'bytes': b'x',
          'pair': ('x', 'y')}
KIND_OF = {name: kind for kind, name in TYPES.items()}


def one(name):
    """A property with a value that is fine where the property is."""
    return encode_property(name, VALUES[PROPERTY_IDS[name][1]])


def with_block(t, carrier, block):
    """The carrier's packet with this block of properties, length and all."""
    if carrier == 'will':
        return packet(CONNECT, 0, connect_body(t, will=t.topic('will'), will_block=block))
    kind = KIND_OF[carrier]
    if kind == PUBLISH:
        return packet(PUBLISH, 0, text(t.topic()) + block + b'x')
    return packet(kind, flags_of(kind), body_of(t, kind, block))


def send_block(t, carrier, block, code):
    kind = CONNECT if carrier == 'will' else KIND_OF[carrier]
    send(t, kind, with_block(t, carrier, block), code)


def each_carrier(name, only=CARRIED):
    """A case for each carrier of properties of a function(t, carrier)."""
    def enter(function):
        for carrier in only:
            add_case(f'malformed {carrier}: {name}', functools.partial(function, carrier=carrier),
                     (V5,))
        return function
    return enter


def sized(data):
    return varint(len(data)) + data


@each_carrier('properties of other packets')
def properties_of_other_packets(t, carrier):
    for name in set(PROPERTY_IDS) - CARRIED[carrier]:
        code = PROTOCOL_ERROR if (carrier, name) in OF_THE_SERVER else MALFORMED
        send_block(t, carrier, sized(one(name)), code)


@each_carrier('unknown properties')
def unknown_properties(t, carrier):
    """Identifiers without meaning, and a known one in two bytes."""
    known = {number for number, _ in PROPERTY_IDS.values()}
    for number in sorted(set(range(0x00, 0x40)) - known):
        send_block(t, carrier, sized(bytes([number]) + b'\0\1x'), MALFORMED)
    for data in (b'\x7f\0', b'\x80\x01\0\1x', b'\xa6\x00\0\1x\0\1y', b'\xff\xff\xff\x7f\0'):
        send_block(t, carrier, sized(data), MALFORMED)


@each_carrier('repeated properties')
def repeated_properties(t, carrier):
    for name in CARRIED[carrier] - {'user_property'}:
        send_block(t, carrier, sized(one(name) * 2), PROTOCOL_ERROR)
        if 'user_property' in CARRIED[carrier]:
            send_block(t, carrier, sized(one(name) + one('user_property') + one(name)),
                       PROTOCOL_ERROR)


@each_carrier('properties cut at every byte')
def cut_properties(t, carrier):
    """The property length ends within a value; what follows belongs to the rest of the packet."""
    for name in CARRIED[carrier]:
        data = one(name)
        for size in range(1, len(data)):
            send_block(t, carrier, sized(data[:size]), MALFORMED)


@each_carrier('property length')
def property_length(t, carrier):
    """Past the packet, of five bytes, of too many."""
    data = one('user_property')
    for block in (varint(2097152) + data, b'\xff\xff\xff\x7f' + data,
                  b'\x80\x80\x80\x80\x01' + data, b'\xff\xff\xff\xff\xff',
                  bytes([len(data) | 0x80, 0]) + data, b'\x80\x00'):
        send_block(t, carrier, block, MALFORMED)


@each_carrier('text properties that are not text')
def bad_text_properties(t, carrier):
    for name in CARRIED[carrier]:
        kind = PROPERTY_IDS[name][1]
        if kind not in ('text', 'pair'):
            continue
        for bad in BAD_TEXTS.values():
            for value in [bad] if kind == 'text' else [(bad, 'y'), ('x', bad)]:
                send_block(t, carrier, sized(encode_property(name, value)), MALFORMED)


OUT_OF_RANGE = [
    ('CONNECT', 'receive_maximum', (0,), PROTOCOL_ERROR),
    ('CONNECT', 'maximum_packet_size', (0,), PROTOCOL_ERROR),
    ('CONNECT', 'request_problem_information', (2, 255), PROTOCOL_ERROR),
    ('CONNECT', 'request_response_information', (2, 255), PROTOCOL_ERROR),
    ('will', 'payload_format', (2, 255), EITHER),
    ('will', 'response_topic', ('a/#', '+', ''), (0x82, 0x90)),
    ('PUBLISH', 'payload_format', (2, 255), EITHER),
    ('PUBLISH', 'response_topic', ('a/#', '+', ''), (0x82, 0x90)),
    ('PUBLISH', 'topic_alias', (0,), (0x82, 0x94)),
    ('PUBLISH', 'topic_alias', (65535,), 0x94),
    ('SUBSCRIBE', 'subscription_id', (0,), PROTOCOL_ERROR),
]


@rows('value out of range', versions=(V5,))
def out_of_range():
    for number, (carrier, name, values, code) in enumerate(OUT_OF_RANGE):
        def run(t, carrier=carrier, name=name, values=values, code=code):
            for value in values:
                send_block(t, carrier, sized(encode_property(name, value)), code)
        yield f'{carrier} {name} {number}', run


def bad_subscription_identifiers(t):
    for number in (b'\x80\x80\x80\x80\x01', b'\x81\x00', b'\xff\xff\xff\xff\x7f'):
        send_block(t, 'SUBSCRIBE', sized(b'\x0b' + number), MALFORMED)


def authentication_data_alone(t):
    for carrier in ('CONNECT', 'AUTH'):
        send_block(t, carrier, sized(one('authentication_data')), PROTOCOL_ERROR)


def session_expiry_that_was_0(t):
    """DISCONNECT cannot keep a session that CONNECT did not want kept."""
    send_block(t, 'DISCONNECT', sized(encode_property('session_expiry', 10)), PROTOCOL_ERROR)


def payload_that_is_not_the_text_it_claims(t):
    """The hub looks, which the standard allows (3.3.2.3.2)."""
    block = sized(encode_property('payload_format', 1))
    send_later(t, packet(PUBLISH, 0, text(t.topic()) + block + b'\xff'), 0x99)


# ---- identifiers, QoS, lists, topics ----

def packet_identifier_0(t):
    properties = b'\0' if t.is_5 else b''
    for kind in ACKS:
        send_later(t, packet(kind, flags_of(kind), b'\0\0'), PROTOCOL_ERROR)
    for flags in (2, 4, 10, 12):
        send_later(t, packet(PUBLISH, flags, text(t.topic()) + b'\0\0' + properties + b'x'),
                   PROTOCOL_ERROR)
    for kind, rest in ((SUBSCRIBE, text('a') + b'\0'), (UNSUBSCRIBE, text('a'))):
        send_later(t, packet(kind, 2, b'\0\0' + properties + rest), PROTOCOL_ERROR)


def unlisted_reason_codes(t):
    for kind in ACKS:
        for code in (0x01, 0x02, 0x04, 0x7F, 0x81, 0x8D, 0xFF):
            send_later(t, packet(kind, flags_of(kind), b'\0\1' + bytes([code])), EITHER)
    for code in (0x01, 0x02, 0x03, 0x05, 0x7F, 0x8E, 0xFF):
        send_later(t, packet(DISCONNECT, 0, bytes([code])), EITHER)


def subscription_options(t):
    head = b'\0\7' + (b'\0' if t.is_5 else b'')
    reserved = (0x40, 0x80, 0xC0) if t.is_5 else (0x04, 0x08, 0x10, 0x20, 0x40, 0x80)
    for options in reserved:
        for good in (b'', text('good') + b'\0'):
            send_later(t, packet(SUBSCRIBE, 2, head + good + text('a') + bytes([options])),
                       MALFORMED)
    for options in (0x03,) + ((0x30, 0x33) if t.is_5 else ()):
        send_later(t, packet(SUBSCRIBE, 2, head + text('a') + bytes([options])), PROTOCOL_ERROR)


def empty_lists(t):
    for kind in (SUBSCRIBE, UNSUBSCRIBE):
        send_later(t, packet(kind, 2, b'\0\7' + (b'\0' if t.is_5 else b'')), PROTOCOL_ERROR)


def empty_topics(t):
    """An alias may stand for it, if it is known."""
    send_later(t, mqttwire.publish_packet(t.version, '', 'x'), EITHER)
    send_later(t, mqttwire.publish_packet(t.version, '', 'x', 1, packet_id=1), EITHER)
    if t.is_5:
        send_later(t, mqttwire.publish_packet(V5, '', 'x', properties={'topic_alias': 1}),
                   (0x82, 0x94))
    send_first(t, packet(CONNECT, 0, connect_body(t, will='')), (0x81, 0x82, 0x90))


def topics_with_wildcards(t):
    for topic in ('#', '+', 'a/#', 'a/+/b', 'a#', '+a'):
        send_later(t, mqttwire.publish_packet(t.version, topic, 'x'), (0x81, 0x82, 0x90))
        send_first(t, packet(CONNECT, 0, connect_body(t, will=topic)), (0x81, 0x82, 0x90))


def will_flags(t):
    """QoS 3; a will's bits without a will. MQTT 3.1 has the latter disregarded."""
    for bits in (0x1C, 0x3C):
        send_first(t, packet(CONNECT, 0, connect_body(t, will='w', flags=0xC2 | bits)), MALFORMED)
    for bits in (0x08, 0x10, 0x18, 0x20):
        data = packet(CONNECT, 0, connect_body(t, flags=0xC2 | bits))
        if t.version != V31:
            send_first(t, data, EITHER)


# ---- wrong state ----

def before_connect(t):
    """Nothing is said to those who do not begin with CONNECT."""
    for kind in kinds_of(t.version):
        if kind != CONNECT:
            send_first(t, whole_packet(t, kind) + t.connect_bytes(), None)
    for kind in (0, CONNACK, SUBACK, UNSUBACK, PINGRESP):
        send_first(t, packet(kind, 0, b'\0\1'), None)


def packets_of_the_server(t):
    for kind, body in ((CONNACK, b'\0\0' + b'\0' * t.is_5), (SUBACK, b'\0\1\0'),
                       (UNSUBACK, b'\0\1'), (PINGRESP, b'')):
        send_later(t, packet(kind, 0, body), PROTOCOL_ERROR)
        send_later(t, packet(kind, 0, b''), EITHER)


def second_connect(t):
    for clean in (True, False):
        send_later(t, t.connect_bytes(clean=clean), PROTOCOL_ERROR)
    send_later(t, t.connect_bytes('other'), PROTOCOL_ERROR)
    send_later(t, b'\x10\x00', EITHER)


def reserved_types(t):
    """0 in every version, 15 before 5.0."""
    for kind in (0,) if t.is_5 else (0, AUTH):
        for body in (b'', b'\0', b'\x18\0'):
            send_later(t, packet(kind, 0, body), MALFORMED)


def acknowledgements_of_nothing(t):
    """No error: they may cross what they belong to. PUBREC and PUBREL are answered."""
    client = t.client(auto_ack=False)
    for packet_id in (1, 999, 65535):
        for kind, answer in ((PUBACK, None), (PUBCOMP, None), (PUBREC, PUBREL), (PUBREL, PUBCOMP)):
            client.send(mqttwire.ack_packet(kind, packet_id))
            if answer:
                got = client.decode_ack(client.wait(answer))
                assert got.packet_id == packet_id and got.code in (0, 0x92), got
    client.ping()
    t.check_others()


def after_disconnect(t):
    for data in (t.connect_bytes(), packet(PINGREQ, 0, b''), b'\xff' * 100):
        client = t.client()
        client.send(packet(DISCONNECT, 0, b'') + data)
        expect_closed(client)
        assert client.data == b'', client.data.hex()
        t.check_others()


def too_large(t):
    """Announced only; and a CONNECT longer than a stranger may send."""
    send_later(t, b'\x30\xff\xff\xff\x7f\0\1a', 0x95)
    send_first(t, b'\x10\xff\xff\xff\x7f' + t.connect_bytes()[2:], None)


def wrong_names_and_levels(t):
    """Nobody knows how to tell such a client."""
    rest = bytes([t.version, 0x02]) + b'\0\x3c' + (b'\0' if t.is_5 else b'') + text(t.id())
    for name in ('', 'M', 'MQT', 'MQTTX', 'mqtt', 'MQisdp', 'HTTP', b'\xff\xff\xff\xff',
                 'x' * 1000):
        send_first(t, packet(CONNECT, 0, text(name) + rest), None)


def twice_the_damage(t):
    """What comes behind a violation is not looked at."""
    client = t.client()
    client.send(b'\x36\0' + b'\xff' * 5000 + t.connect_bytes())
    expect_end(client, MALFORMED)
    t.check_others()
    leave(t.client())


SINGLE = [  # what, versions, function
    ('SUBSCRIBE: identifiers that are no numbers', (V5,), bad_subscription_identifiers),
    ('CONNECT, AUTH: authentication data alone', (V5,), authentication_data_alone),
    ('DISCONNECT: session expiry where there was none', (V5,), session_expiry_that_was_0),
    ('PUBLISH: payload not the text it claims', (V5,), payload_that_is_not_the_text_it_claims),
    ('all: packet identifier 0', ALL, packet_identifier_0),
    ('acknowledgements, DISCONNECT: reason codes of others', (V5,), unlisted_reason_codes),
    ('SUBSCRIBE: options', ALL, subscription_options),
    ('SUBSCRIBE, UNSUBSCRIBE: empty lists', ALL, empty_lists),
    ('PUBLISH, CONNECT: empty topics', ALL, empty_topics),
    ('PUBLISH, CONNECT: topics with wildcards', ALL, topics_with_wildcards),
    ('CONNECT: flags of the will', ALL, will_flags),
    ('all: before CONNECT', ALL, before_connect),
    ('all: packets of the server', ALL, packets_of_the_server),
    ('CONNECT: a second one', ALL, second_connect),
    ('all: reserved types', ALL, reserved_types),
    ('acknowledgements: of nothing', ALL, acknowledgements_of_nothing),
    ('all: after DISCONNECT', ALL, after_disconnect),
    ('all: too large', ALL, too_large),
    ('CONNECT: wrong protocol names', ALL, wrong_names_and_levels),
    ('all: two violations', ALL, twice_the_damage),
]
for _what, _versions, _function in SINGLE:
    add_case(f'malformed {_what}', _function, _versions)
