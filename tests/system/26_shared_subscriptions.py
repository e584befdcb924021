"""Shared subscriptions: one message of a group goes to one of its members."""

from harness import check_equal
from mqttwire import V311, V5
from scenario import NAMES, VERSIONS, lasting, leave, sign_in


def numbers(client):
    """All that has come, and is about to."""
    client.ping()
    got = [int(m.payload) for m in client.inbox]
    client.inbox.clear()
    return got


def collect(clients, count, what=''):
    """Waits until the clients together have `count` messages: the numbers by client."""
    got = [numbers(c) for c in clients]
    for _ in range(50):
        if sum(map(len, got)) >= count:
            break
        for client, more in zip(clients, got):
            more += numbers(client)
    check_equal(sorted(n for ns in got for n in ns), list(range(count)), what)
    return got


def test_members_share_the_work(server):
    count = 200
    for publisher_version in (V311, V5):
        publisher, _ = sign_in(server, 'publisher', publisher_version)
        for version in VERSIONS:
            for qos in (0, 1, 2):
                members = [sign_in(server, f'member {i}', version)[0] for i in range(3)]
                for member in members:
                    member.subscribe('$share/workers/job/+', qos=qos)
                for i in range(count):
                    publisher.publish(f'job/{i % 5}', str(i), max(qos, 1))
                got = collect(members, count, f'{NAMES[version]} QoS {qos}')
                for share in got:
                    assert len(share) > count / 10, f'shares: {list(map(len, got))}'
                    check_equal(share, sorted(share), 'each member sees them in order')
                for member in members:
                    leave(member)
        leave(publisher)


def test_members_of_all_versions(server):
    publisher = server.client('publisher')
    members = [sign_in(server, f'member {v}', v)[0] for v in VERSIONS]
    for member in members:
        member.subscribe('$share/g/t', qos=1)
    for i in range(100):
        publisher.publish('t', str(i), 1)
    assert all(collect(members, 100)), 'everyone got some'


def test_groups_are_apart(server):
    """Each group gets every message, and so does everyone who subscribed for himself."""
    publisher = server.client('publisher')
    clients = {name: [sign_in(server, f'{name} {i}', V5)[0] for i in range(2)]
               for name in ('one', 'two', 'plain')}
    for name in ('one', 'two'):
        for client in clients[name]:
            client.subscribe(f'$share/{name}/t/#', qos=1)
    for client in clients['plain']:
        client.subscribe('t/#', qos=1)
    for i in range(50):
        publisher.publish('t/x', str(i), 1)
    collect(clients['one'], 50, 'one')
    collect(clients['two'], 50, 'two')
    for client in clients['plain']:
        collect([client], 50, 'plain')


def test_the_filter_is_part_of_the_group(server):
    """$share/g/a and $share/g/+ are two shared subscriptions, although the names are the same."""
    publisher = server.client('publisher')
    first, second = (sign_in(server, f'member {i}', V5)[0] for i in range(2))
    first.subscribe('$share/g/a', qos=1)
    second.subscribe('$share/g/+', qos=1)
    for i in range(20):
        publisher.publish('a', str(i), 1)
    collect([first], 20)
    collect([second], 20)


def test_one_client_in_a_group_and_for_itself(server):
    """MQTT 5.0 4.8.2: a copy by each. With several shards wherever the publisher is."""
    for i in range(8):
        client, _ = sign_in(server, f'both {i}', V5)
        client.subscribe(('t', 1), properties={'subscription_id': 1})
        client.subscribe(('$share/g/t', 2), properties={'subscription_id': 2})
        publisher, _ = sign_in(server, f'publisher {i}', V5)
        publisher.publish('t', 'x', 2)
        got = [client.recv(), client.recv()]
        check_equal(sorted((m.properties['subscription_id'], m.qos) for m in got),
                    [([1], 1), ([2], 2)], f'round {i}')
        client.recv_none(0.05)
        leave(client)
        leave(publisher)


def test_who_is_away_is_passed_over(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        for qos in (0, 1, 2):
            away, _ = sign_in(server, 'away', version, **lasting(version))
            here, _ = sign_in(server, 'here', version)
            for client in (away, here):
                client.subscribe('$share/g/t', qos=qos)
            leave(away)
            for i in range(50):
                publisher.publish('t', str(i), max(1, qos))
            collect([here], 50, f'{NAMES[version]} QoS {qos}')
            away, _ = sign_in(server, 'away', version, **lasting(version))
            check_equal(numbers(away), [])
            leave(away)
            leave(here)
            leave(sign_in(server, 'away', version)[0])


def test_when_all_are_away_a_session_keeps_it(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        for i in range(2):
            client, _ = sign_in(server, f'away {i}', version, **lasting(version))
            client.subscribe('$share/g/t', qos=1)
            leave(client)
        for i in range(20):
            publisher.publish('t', str(i), 1)
        members = [sign_in(server, f'away {i}', version, **lasting(version))[0] for i in range(2)]
        collect(members, 20, NAMES[version])
        for i, member in enumerate(members):
            leave(member)
            leave(sign_in(server, f'away {i}', version)[0])


def test_members_come_and_go(server):
    """Nothing is lost or doubled while members join, unsubscribe and leave."""
    publisher = server.client('publisher')
    stays, _ = sign_in(server, 'stays', V5)
    stays.subscribe('$share/g/t', qos=1)
    for version in VERSIONS:
        for round_number in range(10):
            member, _ = sign_in(server, f'member {round_number}', version)
            member.subscribe('$share/g/t', qos=1)
            for i in range(10):
                publisher.publish('t', str(i), 1)
            if round_number % 2:
                member.unsubscribe('$share/g/t')
            # A clean session takes what it was given with it: all must have come by then.
            collect([stays, member], 10, f'{NAMES[version]} round {round_number}')
            leave(member)


def test_retain_as_published_and_identifiers(server):
    publisher = server.client('publisher')
    member, _ = sign_in(server, 'member', V5)
    member.subscribe(('$share/g/t', 0x08 | 1), properties={'subscription_id': 7})
    publisher.publish('t', 'x', 1, retain=True)
    message = member.recv()
    check_equal((message.retain, message.properties), (True, {'subscription_id': [7]}))
