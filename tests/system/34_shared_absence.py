"""Shared groups whose members come and go: nothing waits for one who is away while another is
there, and nothing is lost while none is. And lists of values in a level."""

import time

from harness import check_equal
from mqttwire import V311, V5
from scenario import NAMES, lasting, leave, sign_in, vanish

COUNT = 60


def members_of(server, count, version, **options):
    members = [sign_in(server, f'member {i}', version, **lasting(version), **options)[0]
               for i in range(count)]
    for member in members:
        member.subscribe('$share/g/job/#', qos=1)
    return members


def numbers(client, wanted=0):
    """All that has come or is about to, and more until there are `wanted`: another shard may have
    them still on their way."""
    got = []
    for _ in range(100):
        client.ping()
        got += [int(m.payload) for m in client.inbox]
        client.inbox.clear()
        if len(got) >= wanted:
            break
        time.sleep(0.01)
    return got


def publish(server, numbers_to_send, topic='job/x'):
    with server.client('publisher') as publisher:
        for i in numbers_to_send:
            publisher.publish(topic, str(i), 1)


def test_the_first_to_return_gets_what_waited(server):
    for version in (V311, V5):
        members = members_of(server, 2, version)
        for member in members:
            leave(member)
        publish(server, range(COUNT))
        second, connack = sign_in(server, 'member 1', version, **lasting(version))
        assert connack.session_present, NAMES[version]
        check_equal(numbers(second, COUNT), list(range(COUNT)), f'{NAMES[version]}: once, in order')
        first, _ = sign_in(server, 'member 0', version, **lasting(version))
        check_equal(numbers(first), [], 'nothing is left for the other')
        for member in (first, second):
            member.unsubscribe('$share/g/job/#')
            leave(member)


def test_a_new_member_gets_what_waited(server):
    member, = members_of(server, 1, V5)
    leave(member)
    publish(server, range(COUNT))
    other, _ = sign_in(server, 'somebody else', V5)
    other.subscribe('$share/g/job/#', qos=1)
    check_equal(numbers(other, COUNT), list(range(COUNT)))


def test_what_was_not_acknowledged_goes_to_another(server):
    for end in (leave, vanish):
        keeper, quitter = (sign_in(server, name, V5, **lasting(V5), auto_ack=name == 'keeper')[0]
                           for name in ('keeper', 'quitter'))
        for client in (keeper, quitter):
            client.subscribe('$share/g/job/#', qos=1)
        publish(server, range(COUNT))
        kept, unacknowledged = [], []
        for _ in range(100):
            kept += numbers(keeper)
            unacknowledged += numbers(quitter)
            if len(kept) + len(unacknowledged) == COUNT:
                break
        assert unacknowledged, 'the other one had some of them'
        end(quitter)
        passed = numbers(keeper, len(unacknowledged))
        check_equal(sorted(passed), sorted(unacknowledged), 'all of them come')
        check_equal(sorted(kept + passed), list(range(COUNT)), 'each once')
        back, _ = sign_in(server, 'quitter', V5, **lasting(V5))
        check_equal(numbers(back), [], 'and not again to him who left')
        for client in (keeper, back):
            client.unsubscribe('$share/g/job/#')
            leave(client)


def test_the_last_one_leaves_it_to_the_group(server):
    alone, _ = sign_in(server, 'alone', V5, auto_ack=False, **lasting(V5))
    alone.subscribe('$share/g/job/#', qos=1)
    publish(server, range(COUNT))
    check_equal(len(numbers(alone, COUNT)), COUNT)
    vanish(alone)
    publish(server, range(COUNT, 2 * COUNT))
    back, _ = sign_in(server, 'alone', V5, **lasting(V5))
    check_equal(numbers(back, 2 * COUNT), list(range(2 * COUNT)), 'old before new')


def test_sticky_groups_follow_their_levels(server):
    for name in ('s:2', 's:1:1'):
        members = [sign_in(server, f'{name} {i}', V5)[0] for i in range(3)]
        for member in members:
            member.subscribe(f'$share/{name}/job/+/+', qos=1)
        with server.client('publisher') as publisher:
            for i in range(200):
                publisher.publish(f'job/{i % 20}/{i}', str(i), 1)
        seen = {}
        time.sleep(0.1)  # how many each of them gets is not known
        for at, member in enumerate(members):
            for number in numbers(member):
                seen.setdefault(number % 20, set()).add(at)
        check_equal(sorted(seen), list(range(20)), name)
        assert all(len(who) == 1 for who in seen.values()), f'{name}: one member each: {seen}'
        assert len({min(who) for who in seen.values()}) > 1, f'{name}: all went to one'
        for member in members:
            leave(member)


def test_lists_of_values(server):
    client, _ = sign_in(server, 'lists', V5)
    client.subscribe('flespi/state/+/id,name', qos=1, properties={'subscription_id': 5})
    client.subscribe('flespi/state/7/name,uri', qos=1, properties={'subscription_id': 6})
    client.subscribe('plain/a,b', qos=1)
    with server.client('publisher') as publisher:
        for topic in ('flespi/state/7/id', 'flespi/state/7/name', 'flespi/state/7/uri',
                      'flespi/state/8/uri', 'plain/a', 'plain/a,b'):
            publisher.publish(topic, topic, 1)
    while len(client.inbox) < 4:
        client.ping()
    got = {m.topic: m.properties.get('subscription_id') for m in client.inbox}
    check_equal(sorted(got), ['flespi/state/7/id', 'flespi/state/7/name', 'flespi/state/7/uri',
                              'plain/a,b'])
    check_equal(len(client.inbox), 4, 'one message each')
    check_equal([got['flespi/state/7/id'], got['flespi/state/7/uri']], [[5], [6]])
    check_equal(sorted(got['flespi/state/7/name']), [5, 6], 'both of them')
    check_equal(client.unsubscribe('flespi/state/7/name,uri').codes, [0])
    check_equal(client.unsubscribe('flespi/state/7/name,uri').codes, [0x11])
    for bad in ('flespi/state/7/a,,b', 'flespi/state/7/a,+', 'flespi/state/7/,'):
        check_equal(client.subscribe(bad).codes, [0x8F], bad)


test_lists_of_values.arguments = ('--set', 'reserved-prefix=false')
