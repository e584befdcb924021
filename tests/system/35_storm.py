"""Many clients do everything at once, with the same few client ids and topics; beside them a pair
of steady clients must not notice. What the stories before look at one by one meets here, on all
shards: run it under ThreadSanitizer."""

import random
import socket
import threading
import time

import mqttwire
from harness import check_equal, is_sanitized
from mqttwire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, V5, Will
from scenario import VERSIONS, sign_in

SECONDS = 6
THREADS = 8
TOPICS = ('a', 'a/b', 'a/b/c', 'b', 'b/c', 'c')
FILTERS = ('#', 'a/#', '+/b', 'a', 'b/+', '$share/g/a/#', '$share/g/#', '$share/h/+/c', 'c')


def read_some(client):
    """Acknowledges what is there, now and then not."""
    client.socket.setblocking(False)
    try:
        while True:
            data = client.socket.recv(65536)
            if not data:
                return False
            client.data += data
    except BlockingIOError:
        pass
    except ConnectionError:
        return False
    finally:
        client.socket.setblocking(True)
        client.socket.settimeout(10)
    acks = b''
    while got := client._cut():
        packet_id = mqttwire.Cursor(got.body)
        if got.type == PUBLISH:
            message = client.decode_publish(got)
            if message.qos:
                acks += mqttwire.ack_packet(PUBACK if message.qos == 1 else PUBREC,
                                            message.packet_id)
        elif got.type == PUBREC:
            acks += mqttwire.ack_packet(PUBREL, packet_id.number(2))
        elif got.type == PUBREL:
            acks += mqttwire.ack_packet(PUBCOMP, packet_id.number(2))
    client.send(acks)
    return True


def come(server, dice):
    version = dice.choice(VERSIONS)
    client = mqttwire.Client(server.mqtt_port, version)
    options = {'clean': dice.random() < 0.5, 'username': server.token}
    if version == V5:
        options['properties'] = {'session_expiry': dice.choice((0, 1, 60)),
                                 'receive_maximum': dice.choice((1, 3, 100)),
                                 'topic_alias_maximum': dice.choice((0, 2, 10))}
    if dice.random() < 0.3:
        properties = {'will_delay': dice.choice((0, 1))} if version == V5 else None
        options['will'] = Will(dice.choice(TOPICS), 'will', dice.choice((0, 1, 2)),
                               dice.random() < 0.3, properties)
    client.send(mqttwire.connect_packet(f'storm {dice.randrange(12)}', version, **options))
    return client


def act(client, dice):
    version, packet_id = client.version, client.next_id()
    choice = dice.randrange(10)
    if choice < 6:
        payload = b'x' * dice.choice((0, 10, 3000, 20000))
        client.send(mqttwire.publish_packet(version, dice.choice(TOPICS), payload,
                                            dice.choice((0, 1, 2)), dice.random() < 0.2, False,
                                            packet_id))
    elif choice < 8:
        client.send(mqttwire.subscribe_packet(version, packet_id, [
            (name, dice.choice((0, 1, 2))) for name in dice.sample(FILTERS, 2)]))
    else:
        client.send(mqttwire.unsubscribe_packet(version, packet_id, dice.sample(FILTERS, 2)))


def go(client, dice):
    choice = dice.randrange(3)
    if choice == 0:
        client.send(mqttwire.packet(mqttwire.DISCONNECT, 0, b''))
    elif choice == 1:  # a reset
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    client.close()


def live(server, seed, until, lives):
    """One client after the other, until the time is over."""
    dice = random.Random(seed)
    while time.monotonic() < until:
        client = come(server, dice)
        try:
            client.wait(mqttwire.CONNACK)
            for _ in range(dice.randrange(60)):
                act(client, dice)
                if dice.random() < 0.7 and not read_some(client):
                    break
            go(client, dice)
        except (ConnectionError, mqttwire.Closed):
            client.close()  # another one took its session over
        lives.append(seed)


def test_storm(server):
    steady, _ = sign_in(server, 'steady subscriber', V5)
    steady.subscribe('steady', qos=2)
    publisher, _ = sign_in(server, 'steady publisher', V5)
    until, lives = time.monotonic() + SECONDS, []
    threads = [threading.Thread(target=live, args=(server, seed, until, lives))
               for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    count = 0
    while time.monotonic() < until:
        publisher.publish('steady', str(count), 2)
        check_equal(steady.recv().payload, b'%d' % count)
        count += 1
    for thread in threads:
        thread.join()
    steady.recv_none(0.1)
    assert count > 20, f'{count} messages in {SECONDS} s'
    assert len(lives) > (20 if is_sanitized() else 200), f'{len(lives)} clients came and went'
    # All sessions can still be taken, cleared and used.
    for i in range(12):
        client, connack = sign_in(server, f'storm {i}', V5)
        check_equal((connack.code, connack.session_present), (0, False))
        client.subscribe(f'after/{i}', qos=2)
        client.publish(f'after/{i}', 'x', 2)
        check_equal(client.recv().payload, b'x')
