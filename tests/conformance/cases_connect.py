"""CONNECT and CONNACK (3.1, 3.2): who is let in, and what is said to those who are not."""

import time

import mqttwire
from harness import check_equal
from mqttwire import (CONNACK, CONNECT, PINGREQ, PUBACK, PUBLISH, V31, V311, V5, Cursor, Will,
                      packet, text, varint)
from suite import (ALL, case, expect_closed, expect_end, expect_refusal, expect_silent_end, leave,
                   payloads, vanish)

CLIENT_ID_MAX = 1024  # longer ones are refused; the standard asks for 23 at least
CONNACK_CODES = {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90,
                 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}
FLAG_CLEAN, FLAG_WILL, FLAG_RETAIN, FLAG_PASSWORD, FLAG_USER = 0x02, 0x04, 0x20, 0x40, 0x80


def connect(version, flags, *fields, name=None, level=None, keepalive=60, properties=None):
    """CONNECT with these flags and fields, whether they agree or not."""
    name = ('MQIsdp' if version == V31 else 'MQTT') if name is None else name
    return packet(CONNECT, 0, text(name) + bytes([version if level is None else level, flags])
                  + keepalive.to_bytes(2, 'big') + mqttwire.encode_properties(version, properties)
                  + b''.join(fields))


def will_fields(t, topic=None):
    block = b'\0' if t.is_5 else b''
    return block + text(t.topic('will') if topic is None else topic) + text('gone')


def send_alone(t, data):
    client = t.open()
    client.send(data)
    return client


@case('3.1.1 MQTT-3.1.0-1', '5.0 MQTT-3.1.0-1')
def first_packet_is_connect(t):
    """Binds the client; what breaks it is closed without a word."""
    for data in (packet(PINGREQ, 0, b''), mqttwire.publish_packet(t.version, t.topic(), 'x'),
                 mqttwire.subscribe_packet(t.version, 1, [(t.topic(), 0)]),
                 mqttwire.ack_packet(PUBACK, 1)):
        expect_silent_end(send_alone(t, data + t.connect_bytes()))


@case('3.1.1 MQTT-3.1.0-2', '5.0 MQTT-3.1.0-2')
def second_connect_closes(t):
    client = t.client()
    client.send(t.connect_bytes())
    expect_end(client, 0x82)


@case('3.1.1 MQTT-3.1.2-1', '5.0 MQTT-3.1.2-1')
def wrong_protocol_name(t):
    for name in ('', 'MQT', 'MQTTX', 'mqtt', 'HTTP'):
        client = send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_USER, text(t.id()),
                                       text(t.server.token), name=name))
        expect_closed(client)
        assert not client.data or client.data[3] in (1, 0x84), client.data.hex()


@case('3.1.1 MQTT-3.1.2-2', '5.0 MQTT-3.1.2-2')
def unsupported_version(t):
    """CONNACK goes in the form of 3.1.1, the only one that such a client may be able to read."""
    for level in (0, 1, 2, 6, 127, 255):
        client = send_alone(t, connect(V311, FLAG_CLEAN | FLAG_USER, text(t.id()),
                                       text(t.server.token), level=level))
        check_equal(client.wait(CONNACK).body, b'\0\1', f'level {level}')
        expect_silent_end(client)


@case('3.1.1 MQTT-3.1.2-3', '5.0 MQTT-3.1.2-3', versions=(V311, V5))
def reserved_connect_flag(t):
    """MQTT 3.1 calls the bit unused and sets no rule."""
    client = send_alone(t, connect(t.version, 0x83, text(t.id()), text(t.server.token)))
    expect_refusal(client, 0x81)


@case('3.1.1 MQTT-3.1.2-4', '5.0 MQTT-3.1.2-5')
def stored_session_is_resumed(t):
    client = t.client(**t.lasting())
    client.subscribe(t.topic(), qos=1)
    leave(client)
    client, connack = t.sign_in(**t.lasting())
    check_equal(connack.code, 0)
    t.check_present(connack, True)
    t.client('b').publish(t.topic(), 'x', 1)
    check_equal(client.recv().payload, b'x', 'its subscription is there')


@case('5.0 MQTT-3.1.2-6')
def session_is_created(t):
    client, connack = t.sign_in(**t.lasting())
    check_equal((connack.code, connack.session_present), (0, False))
    vanish(client)
    check_equal(t.sign_in(**t.lasting())[1].session_present, True)


@case('3.1.1 MQTT-3.1.2-5', '5.0 MQTT-3.1.2-23')
def messages_are_kept_for_an_absent_client(t):
    client = t.client(**t.lasting())
    client.subscribe((t.topic(1), 1), (t.topic(2), 2))
    vanish(client)
    publisher = t.client('b')
    for qos in (1, 2):
        for number in range(3):
            publisher.publish(t.topic(qos), f'{qos} {number}', qos)
    client = t.client(**t.lasting())
    got = [client.recv() for _ in range(6)]
    check_equal(payloads(got), [b'%d %d' % (qos, i) for qos in (1, 2) for i in range(3)])
    check_equal([(m.qos, m.dup) for m in got], [(1, False)] * 3 + [(2, False)] * 3)


@case('3.1.1 MQTT-3.1.2-6', '5.0 MQTT-3.1.2-4')
def clean_start_discards_the_session(t):
    client = t.client(**t.lasting())
    client.subscribe(t.topic(), qos=1)
    leave(client)
    t.client('b').publish(t.topic(), 'old', 1)
    client, connack = t.sign_in(clean=True)
    check_equal(connack.session_present, False)
    client.subscribe((t.topic('$end'), 0))
    check_equal(t.drain(client, client), [], 'nothing of the old session comes')
    leave(client)
    if not t.is_5:  # and it lives only as long as the connection
        check_equal(t.sign_in(**t.lasting())[1].session_present, False)


@case('3.1.1 MQTT-3.1.2-7', versions=ALL)
def retained_messages_are_no_session_state(t):
    client = t.client(clean=True)
    client.publish(t.topic(), 'kept', 1, retain=True)
    leave(client)
    client = t.client(clean=True)
    client.subscribe(t.topic())
    check_equal(client.recv().payload, b'kept')


@case('3.1.1 MQTT-3.1.2-9', '5.0 MQTT-3.1.2-9')
def will_flag_without_will(t):
    """The will's fields are missing: the packet ends before what its flags announce. MQTT 3.1 lets
    user name and password be missing, not the will."""
    for fields in ((), (b'\0',), (will_fields(t)[:-6],)):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_WILL, text(t.id()),
                                             *fields)), 0x81)


@case('3.1.1 MQTT-3.1.2-11', '3.1.1 MQTT-3.1.2-13', '3.1.1 MQTT-3.1.2-15', '5.0 MQTT-3.1.2-11',
      '5.0 MQTT-3.1.2-13')
def will_bits_without_will_flag(t):
    """Refused; MQTT 3.1 has them disregarded. Whether they are malformed (0x81) or a protocol
    error (0x82) the standard does not say."""
    for bits in (0x08, 0x10, FLAG_RETAIN, FLAG_RETAIN | 0x08):
        client = send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_USER | bits, text(t.id()),
                                       text(t.server.token)))
        if t.version == V31:
            check_equal(client.wait(CONNACK).body, b'\0\0')
            leave(client)
        else:
            expect_refusal(client, (0x81, 0x82))


@case('3.1.1 MQTT-3.1.2-14', '5.0 MQTT-3.1.2-12')
def will_qos_3(t):
    expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_WILL | 0x18 | FLAG_USER,
                                         text(t.id()), will_fields(t), text(t.server.token))),
                   0x81)


@case('3.1.1 MQTT-3.1.2-19', '3.1.1 MQTT-3.1.2-21', '5.0 MQTT-3.1.2-17', '5.0 MQTT-3.1.2-19',
      versions=(V311, V5))
def login_flags_without_fields(t):
    """In MQTT 3.1 the remaining length wins over the flags: what is missing is not there."""
    user = text(t.server.token)
    for flags, fields in ((FLAG_USER, ()), (FLAG_USER, (b'\0',)),
                          (FLAG_USER | FLAG_PASSWORD, (user,)),
                          (FLAG_USER | FLAG_PASSWORD, (user, b'\0\5abcd'))):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | flags, text(t.id()), *fields)),
                       0x81)


@case('3.1.1 MQTT-3.1.2-18', '3.1.1 MQTT-3.1.2-20', '5.0 MQTT-3.1.2-16', '5.0 MQTT-3.1.2-18')
def login_fields_without_flags(t):
    user = text(t.server.token)
    for flags, fields in ((0, (user,)), (FLAG_USER, (user, text('password')))):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | flags, text(t.id()), *fields)),
                       0x81)


@case('3.1.1 MQTT-3.1.2-22')
def password_without_user_name(t):
    expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_PASSWORD, text(t.id()),
                                         text(t.server.token))), None)


@case('3.1.1 MQTT-3.1.3-1', '5.0 MQTT-3.1.3-1')
def order_of_the_payload(t):
    """All fields at once are told apart: signed in by the password, and the will is the will."""
    watcher = t.watch(t.topic('will'), name='b')
    client, connack = t.sign_in(username='somebody', password=t.server.token,
                                will=Will(t.topic('will'), 'gone', 1))
    check_equal(connack.code, 0)
    vanish(client)
    check_equal(watcher.recv().payload, b'gone')


@case('3.1.1 MQTT-3.1.3-2', '5.0 MQTT-3.1.3-2')
def client_id_is_the_key_of_the_session(t):
    for name in ('x', 'X', 'xx'):
        client, connack = t.sign_in(name, **t.lasting())
        check_equal(connack.session_present, False, name)
        client.subscribe((t.topic(name), 1))
        leave(client)
    publisher = t.client('b')
    for name in ('x', 'X', 'xx'):
        publisher.publish(t.topic(name), name, 1)
    for name in ('x', 'X', 'xx'):
        client, connack = t.sign_in(name, **t.lasting())
        t.check_present(connack, True)
        check_equal(client.recv().payload, name.encode())


@case('3.1.1 MQTT-3.1.3-3', '5.0 MQTT-3.1.3-3')
def client_id_is_missing(t):
    expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN)), 0x81)


@case('3.1.1 MQTT-3.1.3-4', '5.0 MQTT-3.1.3-4')
def client_id_is_not_utf_8(t):
    for name in (b'\xff', b'\xc0\xaf', b'\xed\xa0\x80', b'a\0b', b'\xf4\x90\x80\x80'):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_USER, text(name),
                                             text(t.server.token))), 0x81)


@case('3.1.1 MQTT-3.1.3-5', '5.0 MQTT-3.1.3-5')
def client_ids_that_must_be_accepted(t):
    letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
    start = t.id('')
    for rest in (letters[i:i + 23 - len(start)] for i in range(0, 62, 23 - len(start))):
        check_equal(t.sign_in(rest)[1].code, 0, rest)
    client = t.open()
    check_equal(client.connect('Z', username=t.server.token).code, 0, 'one letter')


@case('3.1.1 MQTT-3.1.3-6', versions=(V311,))
def empty_client_ids_are_made_unique(t):
    """MQTT 3.1 wants at least one character."""
    clients = [t.client(None, clean=True) for _ in range(3)]
    for client in clients:
        client.ping()  # none has taken another over


@case('5.0 MQTT-3.1.3-6', '5.0 MQTT-3.1.3-7', '5.0 MQTT-3.2.2-16')
def empty_client_id_is_assigned(t):
    known = t.client()
    pairs = [t.sign_in(None, **t.lasting()) for _ in range(3)]
    ids = [connack.properties['assigned_client_id'] for _, connack in pairs]
    assert len(set(ids)) == 3 and '' not in ids, ids
    for client, _ in pairs:
        client.subscribe(t.topic(), qos=1)
        leave(client)
    known.publish(t.topic(), 'x', 1)
    for name in ids:
        client = t.open()
        connack = client.connect(name, username=t.server.token, clean=False)
        check_equal((connack.session_present, client.recv().payload), (True, b'x'))
        assert 'assigned_client_id' not in connack.properties, 'it gave its id itself'


@case('3.1.1 MQTT-3.1.3-7', '3.1.1 MQTT-3.1.3-8')
def empty_client_id_without_clean_session(t):
    client = t.open()
    client.send(mqttwire.connect_packet('', t.version, username=t.server.token, clean=False))
    expect_refusal(client, None, 2)


@case('3.1.1 MQTT-3.1.3-9', '5.0 MQTT-3.1.3-8')
def refused_client_id(t):
    client = t.open()
    client.send(mqttwire.connect_packet('x' * (CLIENT_ID_MAX + 1), t.version,
                                        username=t.server.token))
    expect_refusal(client, 0x85, 2)


@case('3.1.1 MQTT-3.1.3-10', '5.0 MQTT-3.1.3-11')
def will_topic_is_not_utf_8(t):
    for topic in (b'\xff', b'a\0', b'\xed\xbf\xbf'):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_WILL | FLAG_USER,
                                             text(t.id()), will_fields(t, topic),
                                             text(t.server.token))), 0x81)


@case('3.1.1 MQTT-3.1.3-11', '5.0 MQTT-3.1.3-12')
def user_name_is_not_utf_8(t):
    for name in (b'\xff', t.server.token.encode() + b'\0', b'\xe2\x82'):
        expect_refusal(send_alone(t, connect(t.version, FLAG_CLEAN | FLAG_USER, text(t.id()),
                                             text(name))), 0x81)


@case('3.1.1 MQTT-3.1.4-1', '3.1.1 MQTT-3.2.2-6', '5.0 MQTT-3.1.4-1')
def broken_connect_closes(t):
    """3.x has no return code for a packet that breaks the rules: closed without CONNACK."""
    whole = connect(t.version, FLAG_CLEAN | FLAG_USER, text(t.id()), text(t.server.token))
    for data in (packet(CONNECT, 0, whole[2:] + b'x'), packet(CONNECT, 0, whole[2:12]),
                 packet(CONNECT, 1, whole[2:])):
        client = send_alone(t, data)
        if t.is_5:
            expect_closed(client)
            assert not client.data or client.data[3] >= 0x80, client.data.hex()
        else:
            expect_silent_end(client)


@case('5.0 MQTT-3.1.4-2', versions=ALL)
def failed_sign_in_closes(t):
    """Bad credentials: 0x86 or 0x87; 4 or 5 before. A token too short or unknown, or none."""
    for options in ({'username': 'x' * 64}, {'username': 'short'}, {'username': ''},
                    {'username': None}, {'username': 'someone', 'password': 'x' * 64}):
        client = t.open()
        client.send(t.connect_bytes(**options))
        expect_refusal(client, (0x86, 0x87), (4, 5))


@case('3.1.1 MQTT-3.1.4-2', '5.0 MQTT-3.1.4-3')
def same_client_id_takes_over(t):
    old = t.client()
    old.subscribe(t.topic())
    new = t.client()
    expect_end(old, 0x8E)
    new.ping()


@case('3.1.1 MQTT-3.1.4-3', '5.0 MQTT-3.1.4-4')
def clean_start_is_carried_out_on_take_over(t):
    """As above, while the old connection is up."""
    first = t.client(**t.lasting())
    first.subscribe(t.topic(), qos=1)
    second, connack = t.sign_in(**t.lasting())
    t.check_present(connack, True)
    third, connack = t.sign_in(clean=True)
    check_equal(connack.session_present, False)
    third.subscribe((t.topic('$end'), 0))
    t.client('b').publish(t.topic(), 'x', 1)
    check_equal(t.drain(third, third), [])
    for client in (first, second):
        expect_end(client, 0x8E)


@case('3.1.1 MQTT-3.1.4-4', '5.0 MQTT-3.1.4-5')
def success_is_code_0(t):
    client = send_alone(t, t.connect_bytes())
    body = client.wait(CONNACK).body
    check_equal(body[:2], b'\0\0')
    if not t.is_5:
        check_equal(len(body), 2)


@case('3.1.1 MQTT-3.1.4-5', '5.0 MQTT-3.1.4-6')
def nothing_behind_a_refusal_is_processed(t):
    watcher = t.watch(t.topic('secret'))
    client = send_alone(t, t.connect_bytes(username='x' * 64)
                        + mqttwire.publish_packet(t.version, t.topic('secret'), 'x', 0)
                        + mqttwire.publish_packet(t.version, t.topic('secret'), 'x', 1, True, False,
                                                  1))
    expect_refusal(client, (0x86, 0x87), (4, 5))
    check_equal(t.drain(t.client(), watcher), [])
    watcher.subscribe(t.topic('secret'))
    check_equal(t.drain(t.client(), watcher), [], 'nothing was retained')


@case('3.1.1 MQTT-3.2.0-1', '5.0 MQTT-3.2.0-1')
def connack_comes_first(t):
    client = t.client(**t.lasting())
    client.subscribe(t.topic(), qos=1)
    leave(client)
    publisher = t.client('b')
    for _ in range(5):
        publisher.publish(t.topic(), 'x', 1)
    client = send_alone(t, t.connect_bytes(**t.lasting())
                        + mqttwire.publish_packet(t.version, t.topic(), 'x', 1, False, False, 9))
    check_equal(client.read_packet().type, CONNACK)
    check_equal([client.read_packet().type for _ in range(5)], [PUBLISH] * 5)


@case('5.0 MQTT-3.2.0-2', versions=ALL)
def one_connack_only(t):
    client = send_alone(t, t.connect_bytes() * 2)
    client.wait(CONNACK)
    expect_end(client, 0x82)


@case('5.0 MQTT-3.2.2-1', versions=(V311, V5))
def connack_flags(t):
    """Bits 7 to 1 are 0, with and without a session. MQTT 3.1 reserves the whole byte."""
    for clean in (False, False, True):
        options = {**t.lasting(), 'clean': clean}
        client = send_alone(t, t.connect_bytes(**options))
        check_equal(client.wait(CONNACK).body[0] & 0xFE, 0)
        leave(client)


@case('3.1.1 MQTT-3.2.2-1', '5.0 MQTT-3.2.2-2')
def session_present_after_clean_start(t):
    leave(t.client(**t.lasting()))
    _, connack = t.sign_in(clean=True)
    check_equal((connack.session_present, connack.code), (False, 0))


@case('3.1.1 MQTT-3.2.2-2', '3.1.1 MQTT-3.2.2-3', '5.0 MQTT-3.2.2-3', versions=(V311, V5))
def session_present_is_true(t):
    client, connack = t.sign_in(**t.lasting())
    check_equal(connack.session_present, False)
    leave(client)
    check_equal(t.sign_in(**t.lasting())[1].session_present, True)


@case('3.1.1 MQTT-3.2.2-4', '3.1.1 MQTT-3.2.2-5', '5.0 MQTT-3.2.2-6', '5.0 MQTT-3.2.2-7')
def refusal_has_no_session_and_closes(t):
    leave(t.client(**t.lasting()))
    client = send_alone(t, t.connect_bytes(**t.lasting(), username='x' * 64))
    expect_refusal(client, (0x86, 0x87), (4, 5))


@case('5.0 MQTT-3.2.2-8', '5.0 MQTT-4.13.2-1')
def listed_connect_reasons(t):
    """Every way to be refused that a client has: a listed code of 0x80 or more, then closed."""
    user = text(t.server.token)
    for data in (t.connect_bytes(username='x' * 64), t.connect_bytes(username=None),
                 t.connect_bytes('x' * 2000),
                 t.connect_bytes(properties={'authentication_method': 'unknown'}),
                 t.connect_bytes(properties={'receive_maximum': 0}),
                 t.connect_bytes(will=Will('a/#', 'x')), t.connect_bytes(will=Will('', 'x')),
                 t.connect_bytes(will=Will('flespi/state/x', 'x')),
                 t.connect_bytes(will=Will('a', b'\xff', properties={'payload_format': 1})),
                 connect(V5, 0x83, text(t.id()), user), connect(V5, 0x82, text(t.id()), user * 2)):
        client = send_alone(t, data)
        body = client.wait(CONNACK).body
        assert body[1] in CONNACK_CODES and body[1] >= 0x80, f'{body[1]:#04x} {data.hex()}'
        expect_silent_end(client)


@case('5.0 MQTT-3.2.2-19', '5.0 MQTT-3.2.2-20')
def connack_fits_the_client(t):
    """What may be left out is, so that CONNACK is not larger than the client takes."""
    for options, limit in (({'username': 'x' * 64}, 10), ({}, 40), ({}, 24)):
        client = send_alone(t, t.connect_bytes(properties={'maximum_packet_size': limit},
                                               **options))
        got = client.wait(CONNACK)
        size = len(packet(CONNACK, 0, got.body))
        assert size <= limit, f'{size} bytes, {limit} are allowed'
        properties = Cursor(got.body[2:]).properties(V5)
        if options:
            check_equal(properties, {}, 'no reason string')


@case('5.0 MQTT-3.2.2-22', '5.0 MQTT-3.1.2-22', '3.1.1 MQTT-3.1.2-24', is_slow=True)
def keep_alive_is_enforced(t):
    """After 1.5 times the keep alive, as if the network had failed: the will goes out. In 5.0 the
    CONNACK has no Server Keep Alive, so the client's value holds."""
    watcher = t.watch(t.topic('will'), name='b')
    client, connack = t.sign_in(keepalive=1, will=Will(t.topic('will'), 'silent', 1))
    start = time.monotonic()
    assert 'server_keep_alive' not in connack.properties, connack
    busy = t.client('busy', keepalive=1)
    for _ in range(3):
        time.sleep(0.4)
        busy.ping()
    expect_end(client, 0x8D)
    passed = time.monotonic() - start
    assert 1.4 <= passed < 5, f'closed after {passed:.1f} s'
    check_equal(watcher.recv().payload, b'silent')


@case('5.0 MQTT-3.1.2-28')
def no_response_information(t):
    for asked in ({}, {'request_response_information': 0}):
        _, connack = t.sign_in(properties=asked)
        assert 'response_information' not in connack.properties, connack


@case('5.0 MQTT-3.1.2-29')
def no_problem_information(t):
    """Codes without reason strings and user properties in all that is answered to this client."""
    client = t.client(auto_ack=False, properties={'request_problem_information': 0})
    limits = [client.publish('flespi/message/x', 'x', 1).properties,
              client.publish('flespi/message/x', 'x', 2).properties,
              client.subscribe('a/#/b').properties, client.unsubscribe('never').properties]
    for kind, answer in ((mqttwire.PUBREC, mqttwire.PUBREL), (mqttwire.PUBREL, mqttwire.PUBCOMP)):
        client.send(mqttwire.ack_packet(kind, 999))
        limits.append(client.decode_ack(client.wait(answer)).properties)
    for properties in limits:
        assert not {'reason_string', 'user_property'} & set(properties), properties


@case('5.0 MQTT-4.12.0-1', '5.0 MQTT-4.12.0-4')
def unknown_authentication_method(t):
    for properties in ({'authentication_method': 'SCRAM-SHA-256'},
                       {'authentication_method': 'x', 'authentication_data': b'\0\1'}):
        client = send_alone(t, t.connect_bytes(properties=properties))
        expect_refusal(client, (0x8C, 0x87))


@case('5.0 MQTT-4.12.0-6')
def no_method_no_auth(t):
    client, connack = t.sign_in()
    assert 'authentication_method' not in connack.properties, connack
    client.ping()
    check_equal(client.pending, [], 'nothing but CONNACK and PINGRESP came')


@case('5.0 MQTT-4.12.0-7', '5.0 MQTT-3.15.2-1')
def auth_without_method(t):
    """Binds the client; refused as a protocol error, as is a code that AUTH does not have."""
    block = mqttwire.encode_properties(V5, {'authentication_method': 'x'})
    for body in (b'\x18' + block, b'\x19' + block, b'', b'\x42' + block, b'\x87' + block):
        client = t.client()
        client.send(packet(mqttwire.AUTH, 0, body))
        expect_end(client, 0x82)


@case('5.0 MQTT-3.15.1-1')
def auth_flags(t):
    client = t.client()
    client.send(packet(mqttwire.AUTH, 1, b'\x18' + varint(0)))
    expect_end(client, 0x81)
