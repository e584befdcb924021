"""Inputs behind published vulnerabilities and bug reports of brokers of this kind, by the numbers
of our collection of them, and what must happen instead. NOT_HERE has those that belong to parts
that a client of this hub cannot reach.

Many of them were about memory or threads: the builds that run this suite have AddressSanitizer or
ThreadSanitizer, which judge the hub when it ends.
"""

import os
import random
import stat
import threading
import time

import mqttwire
from harness import check_equal, is_sanitized
from mqttwire import (CONNECT, PINGREQ, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, V31, V311, V5,
                      Closed, Will, ack_packet, encode_property,
                      packet, publish_packet, text, varint)
from suite import ALL, case, expect_closed, expect_end, expect_refusal, leave, payloads, vanish
from transports import BINARY

MIB = 1 << 20
CROWD = 300

NOT_HERE = {
    17: 'about a configuration file: its values are checked by tests/unit/app',
    18: 'the hub has no bridges; SUBACK from a client is number 5',
    19: 'the hub has no bridges; $CONTROL is number 40',
    27: 'the hub has one account as yet, and sessions are keyed by account and client id',
    29: 'the hub reloads nothing on a signal',
    31: 'the hub reloads nothing on a signal',
    33: 'there are no ACL files',
    34: 'there are no password files',
    36: 'rights are the same for all tokens as yet',
    37: 'rights are the same for all tokens as yet',
    38: 'rights are the same for all tokens as yet',
    39: 'rights are the same for all tokens as yet',
    42: 'the name in a client certificate is no identity here (tests/system/40_tls.py)',
    44: 'the hub has one account as yet',
    45: 'the hub takes no code from anybody',
    48: 'about a command line: tests/system/10_commands.py',
}


NO_LOGIN = ((0x86, 0x87), (4, 5))  # in 5.0 and in 3.x


# ---- parser and memory ----

@case(versions=ALL)
def cve_01_huge_first_packet(t):
    """Closed at the fixed header; what is announced takes no memory."""
    before = t.server.rss_bytes()
    for first in (b'\x30', b'\x10'):
        clients = [t.open() for _ in range(CROWD)]
        for client in clients:
            client.send(first + b'\xff\xff\xff\x7f' + b'\0\1a')
        for client in clients:
            expect_closed(client)
    if not is_sanitized():
        assert t.server.rss_bytes() < before + 32 * MIB
    t.check_others()


@case(versions=(V5,))
def cve_02_will_with_wrong_properties(t):
    for name, value in (('topic_alias', 1), ('session_expiry', 1), ('receive_maximum', 1),
                        ('subscription_id', 1), ('reason_string', 'x' * 1000)):
        for _ in range(30):
            client = t.open()
            will = Will(t.topic(), 'x' * 500, 1, False,
                        {'user_property': [('a', 'b')] * 5, name: value})
            client.send(t.connect_bytes(will=will))
            expect_refusal(client, (0x81, 0x82))
    t.check_others()


@case(versions=ALL)
def cve_03_one_identifier_for_ever(t):
    """QoS 2 with the same identifier and no PUBREL for long: one state, one message onward."""
    watcher, client, count = t.watch(t.topic()), t.client(), 3000
    data = publish_packet(t.version, t.topic(), 'x' * 100, 2, packet_id=1)
    for _ in range(10):
        client.send(data * (count // 10))
        for _ in range(count // 10):
            client.wait(PUBREC)
    client.send(ack_packet(PUBREL, 1))
    client.wait(PUBCOMP)
    check_equal(len(t.drain(client, watcher)), 1)


@case(versions=ALL)
def cve_04_topic_of_length_0(t):
    for qos in (0, 1, 2):
        client = t.client()
        client.send(publish_packet(t.version, '', b'', qos, packet_id=1))
        expect_end(client, (0x81, 0x82, 0x90))
        t.check_others()


@case(versions=ALL)
def cve_05_packets_of_the_server(t):
    for data in (b'\x20\x02\0\0', b'\x20\x03\0\0\0', b'\x90\x03\0\1\0', b'\x90\x02\0\1',
                 b'\xb0\x02\0\1', b'\xb0\x04\0\1\0\0', b'\xd0\x00'):
        client = t.client()
        client.send(data)
        expect_end(client, (0x81, 0x82))
        t.check_others()


@case(versions=(V5,))
def cve_06_thousands_of_user_properties(t):
    """Refused early, in linear time. A CONNECT that is longer than strangers may send is closed at
    its fixed header, before there is a version to answer in."""
    pairs = {'user_property': [('a', 'b')] * 20000}
    start = time.monotonic()
    for count, code in ((5000, (0x95, 0x97)), (20000, None)):
        client = t.open()
        client.send(t.connect_bytes(properties={'user_property': [('a', 'b')] * count}))
        expect_refusal(client, code)
    for data in (publish_packet(V5, t.topic(), 'x', properties=pairs),
                 mqttwire.subscribe_packet(V5, 1, [(t.topic(), 0)], pairs),
                 mqttwire.unsubscribe_packet(V5, 1, [t.topic()], pairs)):
        client = t.client()
        client.send(data)
        expect_end(client, (0x95, 0x97))
    passed = time.monotonic() - start
    assert passed < 10, f'{passed:.1f} s'
    t.check_others()


@case(versions=ALL)
def cve_07_filter_of_slashes(t):
    """A failure for the filter; a topic like it closes."""
    slashes, client = '/' * 65400, t.client()
    check_equal(client.subscribe((slashes, 0), ('+/' * 32000 + '#', 0)).codes,
                [0x8F if t.is_5 else 0x80] * 2)
    client.unsubscribe(slashes)
    client.ping()
    client.send(publish_packet(t.version, slashes, 'x'))
    expect_end(client, (0x90, 0x82))
    t.check_others()


@case(versions=ALL)
def cve_08_publish_under_a_dollar(t):
    client = t.client()
    client.subscribe(('$foo/' + t.name, 0), ('$' + t.name + '/#', 0), (t.topic('$end'), 0))
    for topic in ('$foo/' + t.name, '$' + t.name + '/x', '$', '$/', '$share/g/x', '$queue/x'):
        for retain in (False, True):
            client.publish(topic, 'x', 1, retain)
    check_equal(t.drain(client, client), [])


@case(versions=ALL)
def cve_09_topic_that_is_no_text(t):
    watcher = t.watch(t.topic('#'))
    for bad in (b'\xff', b'\xed\xa0\x80', b'a\0'):
        client = t.client()
        client.send(publish_packet(t.version, t.topic('').encode() + bad, 'x', retain=True))
        expect_end(client, 0x81)
    check_equal(t.drain(t.client(), watcher), [])


@case(versions=ALL)
def cve_10_malformed_in_a_loop(t):
    """With something allocated already when the fault is found."""
    whole = t.connect_bytes(will=Will(t.topic(), 'x' * 1000, 2, True))[3:]
    for _ in range(100):
        client = t.open()
        client.send(packet(CONNECT, 0, whole + b'xyz'))
        expect_closed(client)
        client = t.client()
        head = b'\0\1' + (b'\0' if t.is_5 else b'')
        client.send(packet(SUBSCRIBE, 2, head + (text(t.topic()) + b'\1') * 20 + text('bad')))
        expect_end(client, 0x81)
    t.check_others()


@case(versions=(V5,))
def cve_11_integers_of_five_bytes(t):
    five = b'\x80\x80\x80\x80\x01'
    for data in (b'\x30' + five + b'\0' * 200, packet(PUBLISH, 0, text('a') + five + b'\0' * 200),
                 packet(SUBSCRIBE, 2, b'\0\1' + five + b'\0' * 200),
                 packet(SUBSCRIBE, 2, b'\0\1' + varint(6) + b'\x0b' + five + text('a') + b'\0')):
        client = t.client()
        client.send(data)
        expect_end(client, 0x81)
        t.check_others()


@case(versions=ALL)
def cve_12_three_bytes_of_4096(t):
    """The hub waits for the rest, over WebSocket in frames of any size, and takes it."""
    payload = b'x' * (4096 - 2 - len(t.topic()) - (1 if t.is_5 else 0))
    data = publish_packet(t.version, t.topic(), payload)
    watcher, client = t.watch(t.topic()), t.client()
    client.send(data[:6])
    t.check_others()
    for at in range(6, len(data), 500):
        client.send(data[at:at + 500])
    check_equal(payloads(t.drain(client, watcher)) == [payload], True)
    if t.transport.is_web:
        client.socket.send_frame(BINARY, data + data[:50])
        client.socket.send_frame(BINARY, data[50:] + data + packet(PINGREQ, 0, b''))
        check_equal(len(t.drain(client, watcher)), 3)
    client.send(data[:6])
    vanish(client)
    t.check_others()


@case(versions=ALL)
def cve_13_null_credentials(t):
    """Nobody is let in without a token; MQTT 3 has no password without a user name."""
    for options in ({'username': None}, {'username': ''}, {'username': '', 'password': ''},
                    {'username': b'\0' * 0, 'password': b''}):
        client = t.open()
        client.send(t.connect_bytes(**options))
        expect_refusal(client, *NO_LOGIN)
        t.check_others()
    client = t.open()
    client.send(t.connect_bytes(username=None, password='x'))
    expect_refusal(client, (0x86, 0x87))


@case(versions=ALL)
def cve_14_shared_filters_that_are_none(t):
    bad = ('$share/ab', '$share//t', '$share/g/', '$share/+/t', '$share/g#/t', '$share', '$share/',
           '$share///')
    client, publisher = t.client(), t.client('b')
    codes = client.subscribe(*[(name, 1) for name in bad]).codes
    for name, code in zip(bad, codes):
        assert code >= 0x80 or name == '$share', f'{name}: {code:#04x}'
    for topic in ('t', 'ab', 'g', '/', t.topic()):
        publisher.publish(topic, t.name, 1)
    client.subscribe((t.topic('$end'), 0))
    check_equal(t.drain(publisher, client), [])


@case(versions=ALL)
def cve_15_lengths_inside_that_lie(t):
    """A length within a packet never takes memory, or bytes behind the packet."""
    lie = b'\xff\xff'
    for data in (packet(PUBLISH, 0, lie + b'a'), packet(SUBSCRIBE, 2, b'\0\1' + lie + b'abc'),
                 packet(PUBLISH, 2, text('a'))):
        client = t.client()
        client.send(data + b'\0' * 100)
        expect_end(client, (0x81, 0x82))
    whole = t.connect_bytes()
    at = whole.index(text('MQIsdp' if t.version == V31 else 'MQTT'))
    fixed = whole[at:whole.index(text(t.id()))]
    client = t.open()
    client.send(packet(CONNECT, 0, fixed + lie + b'abc'))
    expect_refusal(client, 0x81)
    if t.is_5:
        for name in ('content_type', 'correlation_data', 'user_property'):
            number = encode_property(name, ('', '') if name == 'user_property' else '')[:1]
            client = t.client()
            client.send(packet(PUBLISH, 0, text('a') + varint(4) + number + lie + b'x' + b'y' * 9))
            expect_end(client, 0x81)
    t.check_others()


@case(versions=ALL)
def cve_16_odd_retained_messages(t):
    """Of every size, shape and property; set, found by wildcards, replaced, removed."""
    publisher, names = t.client('b'), ['/', '//', '', 'x' * 5000, '/'.join('x' * 120), '\ufeff']
    topics = [t.topic(name) for name in names]
    for turn in (b'', b'x', b'y' * 100000, b''):
        for topic in topics:
            properties = {'message_expiry': 0} if topic == topics[0] else {
                'user_property': [('', '')] * 200, 'correlation_data': b'\0' * 60000}
            publisher.publish(topic, turn, 1, True, properties)
        client = t.client()
        client.subscribe((t.topic('#'), 1), (t.topic('$end'), 0))
        got = t.drain(publisher, client)
        wanted = 0 if not turn else len(topics) - (1 if t.is_5 else 0)
        check_equal(len(got), wanted, f'{len(turn)} bytes')
    t.check_others()


@case(versions=ALL)
def cve_20_remaining_length_without_end(t):
    for data in (b'\xff' * 1000, b'\x80' * 1000, b'\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01'):
        for first in (b'\x30', b'\x10', b'\xc0'):
            client = t.client()
            client.send(first + data)
            expect_end(client, 0x81)
            client = t.open()
            client.send(first + data)
            expect_closed(client)
        t.check_others()


@case(versions=(V311,))
def cve_21_empty_client_id_with_a_session(t):
    client = t.open()
    client.send(mqttwire.connect_packet('', V311, username=t.server.token, clean=False))
    expect_refusal(client, None, 2)


# ---- state, races, sessions ----

@case(versions=(V5,), is_slow=True)
def cve_22_will_delay_beyond_the_session(t):
    """Coming back and going in the meantime; at last the will goes once, when the session ends."""
    watcher = t.watch(t.topic('will'))
    will = Will(t.topic('will'), 'gone', 1, False, {'will_delay': 60})
    for _ in range(20):
        vanish(t.client(will=will, clean=False, properties={'session_expiry': 1}))
    start = time.monotonic()
    check_equal(watcher.recv().payload, b'gone')
    passed = time.monotonic() - start
    assert 0.8 < passed < 4, f'{passed:.1f} s'
    check_equal(t.drain(t.client(), watcher), [])


@case(versions=ALL)
def cve_23_normal_and_shared_forms_mixed(t):
    """The same filter in both forms, in any order; when all are gone nothing is matched."""
    choice = random.Random(23)
    forms = [t.topic('a/+'), '$share/x/' + t.topic('a/+'), '$share/y/' + t.topic('a/+'),
             t.topic('a/b'), '$share/x/' + t.topic('a/b'), t.topic('#'), '$share/x/' + t.topic('#')]
    publisher = t.client('b')
    for turn in range(10):
        client = t.client(f'm{turn % 3}', **(t.lasting() if turn % 2 else {}))
        for _ in range(30):
            some = choice.sample(forms, 2)
            if choice.random() < 0.5:
                client.subscribe(*[(name, choice.randrange(3)) for name in some])
            else:
                client.unsubscribe(*some)
            publisher.publish(t.topic('a/b'), 'x', choice.randrange(2))
        if turn % 3 == 0:
            client.unsubscribe(*forms)
        (leave if choice.random() < 0.5 else vanish)(client)
    for number in range(3):
        leave(t.client(f'm{number}'))
    other = t.client('other', version=V5)
    check_equal(other.publish(t.topic('a/b'), 'x', 1).code, 0x10, 'somebody is subscribed still')


@case(versions=ALL)
def cve_24_one_client_id_for_many(t):
    """Four threads connect, subscribe and publish under one id; one of them has it in the end."""
    problems = []

    def fight(number):
        try:
            for turn in range(15):
                client = t.open()
                try:
                    client.connect(t.id('fight'), username=t.server.token, clean=turn % 5 == 0)
                    client.subscribe((t.topic('+'), 1))
                    client.publish(t.topic(number), 'x', 1)
                except (Closed, ConnectionError):
                    pass
        except Exception as error:
            problems.append(error)
    threads = [threading.Thread(target=fight, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_equal(problems, [])
    last = t.client('fight')
    last.ping()
    for client in t.clients[:-1]:
        assert client.is_closed_within(5), 'two live owners'
    t.check_others()


@case(versions=ALL)
def cve_25_old_owner_gets_nothing_more(t):
    old = t.client(auto_ack=False, **t.lasting())
    old.subscribe((t.topic(), 1))
    new = t.client(**t.lasting())
    for number in range(5):
        t.client('b').publish(t.topic(), str(number), 1)
    check_equal([new.recv().payload for _ in range(5)], [b'%d' % i for i in range(5)])
    expect_end(old, 0x8E)
    check_equal(old.inbox, [])


@case(versions=ALL)
def cve_26_exactly_once_over_reconnects(t):
    """Publisher and subscriber are cut off at every step of QoS 2 and go on where they were."""
    def subscriber():
        return t.client('sub', auto_ack=False, **t.lasting())

    def publisher():
        return t.client('pub', auto_ack=False, **t.lasting())
    sink, source, seen, held = subscriber(), publisher(), [], set()
    sink.subscribe((t.topic(), 2))
    for number in range(12):
        data = publish_packet(t.version, t.topic(), str(number), 2, packet_id=number + 1)
        source.send(data)
        if number % 3 == 0:
            vanish(source)
            source = publisher()
            source.send(bytes([data[0] | 8]) + data[1:])
        source.wait(PUBREC)
        if number % 3 == 1:
            vanish(source)
            source = publisher()
        source.send(ack_packet(PUBREL, number + 1))
        source.wait(PUBCOMP)
        message = sink.recv()
        if number % 4 == 0:
            vanish(sink)
            sink = subscriber()
            message = sink.recv()
        seen.append(int(message.payload))
        held.add(message.packet_id)
        sink.send(ack_packet(PUBREC, message.packet_id))
        sink.wait(PUBREL)
        if number % 4 == 1:
            vanish(sink)
            sink = subscriber()
            sink.wait(PUBREL)
        sink.send(ack_packet(PUBCOMP, message.packet_id))
    sink.ping()
    check_equal((seen, sink.inbox, len(held)), (list(range(12)), [], 12))


@case(versions=ALL)
def cve_28_take_over_from_a_stalled_client(t):
    """The old connection reads nothing and much waits for it; the new one is served at once."""
    old, publisher = t.client(**t.lasting()), t.client('b')
    old.subscribe((t.topic(), 1), (t.topic('zero'), 0))
    for _ in range(40):
        publisher.send(publish_packet(t.version, t.topic('zero'), b'x' * 60000) * 5)
    publisher.publish(t.topic(), 'one', 1)
    start = time.monotonic()
    new, connack = t.sign_in(**t.lasting())
    check_equal(connack.code, 0)
    new.ping()
    passed = time.monotonic() - start
    assert passed < 5, f'{passed:.1f} s'
    check_equal([m.payload for m in [new.recv()] + new.inbox if m.qos], [b'one'])


@case(versions=ALL)
def cve_30_keep_alive_0_and_65535(t):
    """Many may ask for it, and the others are served; without CONNECT nobody stays long
    (tests/system/05_bad_input.py)."""
    clients = [t.client(f'k{i}', keepalive=(0, 65535)[i % 2]) for i in range(60)]
    for client in clients:
        client.ping()
    t.check_others()


# ---- identity ----

@case(versions=ALL)
def cve_32_wildcards_as_identity(t):
    """A client id is no filter, whatever is in it."""
    publisher, alone = t.client('b'), '#' * t.version  # the other versions run beside
    for name in (alone, '#/' + t.name, '+' + t.name, t.name + '/b', '$SYS' + t.name):
        client = t.open()
        check_equal(client.connect(name, username=t.server.token).code, 0)
        publisher.publish(t.topic(), 'x', 1)
        client.ping()
        check_equal(client.inbox, [])
        client.close()


@case(versions=ALL)
def cve_35_anonymous_on_every_listener(t):
    """This suite runs over each of them."""
    for options in ({'username': None}, {'username': 'anonymous'}, {'username': 'guest'}):
        client = t.open()
        client.send(t.connect_bytes(**options) + publish_packet(t.version, t.topic(), 'x'))
        expect_refusal(client, *NO_LOGIN)


@case(versions=ALL)
def cve_40_internal_namespaces(t):
    """Not by QoS, retain or alias."""
    topics = ['$SYS/' + t.name, '$CONTROL/dynamic-security/v1', '$MQTT/' + t.name, '$' + t.name,
              'flespi/message/gw/devices/' + t.name, 'flespi/state/' + t.name,
              'flespi/log/' + t.name]
    client, watcher = t.client(), t.watch(*topics)
    for number, topic in enumerate(topics):
        for qos in (0, 1, 2):
            for retain in (False, True):
                client.publish(topic, 'x', qos, retain,
                               {'topic_alias': number + 1} if qos == 1 and not retain else None)
        if t.is_5:
            client.publish('', 'x', 1, properties={'topic_alias': number + 1})
    check_equal(t.drain(client, watcher), [])
    check_equal(t.drain(client, t.watch(*topics, name='late')), [])


@case(versions=ALL)
def cve_41_will_where_one_may_not_publish(t):
    for topic in ('$CONTROL/x', '$SYS/broker/uptime', 'flespi/message/gw/devices/1'):
        client = t.open()
        client.send(t.connect_bytes(will=Will(topic, 'x', 1, True)))
        expect_refusal(client, 0x87, 5)


@case(versions=ALL)
def cve_43_binary_passwords(t):
    """All of the password counts, not what stands before a NUL."""
    token = t.server.token.encode()
    for password in (token + b'\0', token + b'\0rest', token[:-1] + b'\0', token[:-1], b'\0' * 64,
                     bytes(range(192, 256)), token + token, token.swapcase()):
        client = t.open()
        client.send(t.connect_bytes(username='user', password=password))
        expect_refusal(client, *NO_LOGIN)
    check_equal(t.sign_in(username='user', password=token)[1].code, 0)


@case(versions=ALL)
def cve_46_default_credentials(t):
    for user, password in (('admin', 'public'), ('admin', 'admin'), ('admin', 'secret'),
                           ('root', 'root'), ('guest', 'guest'), ('admin', '')):
        client = t.open()
        client.send(t.connect_bytes(username=user, password=password))
        expect_refusal(client, *NO_LOGIN)


@case(versions=(V5,))
def cve_47_files_of_others(t):
    """What the hub keeps is its own: no rights for group and others."""
    t.client().publish(t.topic(), 'x', 1, retain=True)
    seen = 0
    for folder, _, files in os.walk(t.server.data):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            mode = stat.S_IMODE(os.stat(path).st_mode)
            assert mode & 0o077 == 0, f'{path}: {mode:o}'
            seen += 1
    assert seen > 1, 'the hub keeps nothing?'
