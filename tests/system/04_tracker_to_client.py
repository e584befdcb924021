"""A tracker speaks, an MQTT client hears it: the path that the product is for. The frames are
examples of Teltonika's published description of its protocol."""

import json
import time

import mqttwire
from harness import Tracker, check_equal, send_udp

IDENT = '356307042441013'
LOGIN = '000f' + IDENT.encode().hex()
CODEC8 = ('000000000000003608010000016b40d8ea3001000000000000000000000000000000010502150301'
          '0101425e0f01f10000601a014e0000000000000000010000c7cf')
CODEC8_TWO = ('000000000000004308020000016b40d57b4801000000000000000000000000000000010101010000'
              '00000000016b40d5c198010000000000000000000000000000000101010101000000020000252c')
CODEC8E = ('000000000000005f8e010000015fba40b620000f0dcde420959d30008a0000060000000000060001'
           '00ef0000010011001e000100100000cbdf0002000b000000003544c875000e0000000029bfe4d100'
           '01010000110000000000000000000000000000000000010000d153')
UDP_IDENT = '352093086403655'
UDP_CODEC8 = ('003dcafe0105000f33353230393330383634303336353508010000016b4f815b3001000000000000'
              '0000000000000000000103021503010101425dbc000001')
UDP_ACK = '0005cafe010501'


def listener(server, *filters):
    client = server.client('listener', mqttwire.V5)
    suback = client.subscribe(*filters, qos=1)
    check_equal(suback.codes, [1] * len(filters), 'granted')
    return client


def login(server, channel_port):
    tracker = Tracker(channel_port)
    tracker.send(LOGIN)
    check_equal(tracker.recv(1).hex(), '01', 'answer to the login')
    return tracker


def report(server, frame, count=1):
    """Sends one frame as a registered tracker; the messages on the device's topic."""
    channel = server.create_channel('teltonika')
    device = server.create_device(IDENT, 'truck')
    client = listener(server, f'flespi/message/gw/devices/{device["id"]}')
    with login(server, channel['configuration']['port']) as tracker:
        tracker.send(frame)
        check_equal(tracker.recv(4).hex(), f'{count:08x}', 'acknowledged records')
        return [json.loads(client.recv().payload) for _ in range(count)]


def test_both_topics(server):
    channel = server.create_channel('teltonika')
    device = server.create_device(IDENT, 'truck')
    client = listener(server, 'flespi/message/gw/channels/+/+', 'flespi/message/gw/devices/+')
    before = time.time()
    with login(server, channel['configuration']['port']) as tracker:
        peer = tracker.address
        tracker.send(CODEC8)
        check_equal(tracker.recv(4).hex(), '00000001', 'acknowledged records')
        heard = sorted((client.recv() for _ in range(2)), key=lambda m: m.topic)
    check_equal([m.topic for m in heard],
                [f'flespi/message/gw/channels/{channel["id"]}/{IDENT}',
                 f'flespi/message/gw/devices/{device["id"]}'], 'topics')
    for message in heard:
        check_hub_parameters(json.loads(message.payload), channel, device, peer, before)
        check_user_properties(message, before)
        check_equal(message.retain, False)


def check_hub_parameters(body, channel, device, peer, before):
    check_equal(list(body), sorted(body), 'order of the keys')
    assert None not in body.values(), f'null instead of absent: {body}'
    expected = {'ident': IDENT, 'peer': peer, 'channel.id': channel['id'],
                'protocol.id': channel['protocol_id'], 'device.id': device['id'],
                'device.name': 'truck', 'device.type.id': 0, 'timestamp': 1560161086}
    check_equal({name: body.get(name) for name in expected}, expected, 'what the hub adds')
    assert before - 1 <= body['server.timestamp'] <= time.time() + 1, body['server.timestamp']


def check_user_properties(message, before):
    properties = dict(message.properties['user_property'])
    check_equal(properties['cid'], '1')
    assert before - 1 <= float(properties['timestamp']) <= time.time() + 1, properties


def test_values_of_codec_8(server):
    body = report(server, CODEC8)[0]
    check_equal({name: body.get(name) for name in
                 ('event.priority.enum', 'external.powersource.voltage', 'position.satellites')},
                {'event.priority.enum': 1, 'external.powersource.voltage': 24.079,
                 'position.satellites': 0})


def test_values_of_codec_8_extended(server):
    body = report(server, CODEC8E)[0]
    expected = {'timestamp': 1510658324, 'position.latitude': 54.6676016,
                'position.longitude': 25.2562916, 'position.altitude': 138,
                'position.direction': 0, 'position.satellites': 6, 'position.speed': 0,
                'engine.ignition.status': False}
    check_equal({name: body.get(name) for name in expected}, expected)


def test_two_records_in_one_frame(server):
    check_equal([body['timestamp'] for body in report(server, CODEC8_TWO, 2)],
                [1560160861, 1560160879], 'times, in order of the frame')


def test_the_cuts_of_the_network_do_not_matter(server):
    channel = server.create_channel('teltonika')
    client = listener(server, 'flespi/message/gw/channels/+/+')
    whole = bytes.fromhex(LOGIN + CODEC8 + CODEC8_TWO)
    with Tracker(channel['configuration']['port']) as tracker:
        for i in range(len(whole)):
            tracker.send(whole[i:i + 1])
            if i % 16 == 0:
                time.sleep(0.001)  # lets the hub read what there is
        check_equal(tracker.recv(9).hex(), '01' + '00000001' + '00000002', 'answers byte by byte')
    with Tracker(channel['configuration']['port']) as tracker:
        tracker.send(whole)
        check_equal(tracker.recv(9).hex(), '01' + '00000001' + '00000002', 'answers at once')
    bodies = [json.loads(client.recv().payload) for _ in range(6)]
    check_equal([b['timestamp'] for b in bodies[:3]], [b['timestamp'] for b in bodies[3:]])


def test_an_unregistered_tracker_is_heard_on_the_channel(server):
    channel = server.create_channel('teltonika')
    client = listener(server, 'flespi/message/gw/#')
    with login(server, channel['configuration']['port']) as tracker:
        tracker.send(CODEC8)
        check_equal(tracker.recv(4).hex(), '00000001')
        message = client.recv()
        check_equal(message.topic, f'flespi/message/gw/channels/{channel["id"]}/{IDENT}')
        assert not any(name.startswith('device.') for name in json.loads(message.payload))
        client.recv_none()


def test_udp(server):
    channel = server.create_channel('teltonika')
    device = server.create_device(UDP_IDENT)
    client = listener(server, f'flespi/message/gw/devices/{device["id"]}')
    check_equal(send_udp(channel['configuration']['port'], UDP_CODEC8).hex(), UDP_ACK, 'answer')
    body = json.loads(client.recv().payload)
    check_equal((body['ident'], body['timestamp']), (UDP_IDENT, 1560407006))


def test_a_bad_checksum_is_refused_and_named(server):
    channel = server.create_channel('teltonika')
    client = listener(server, 'flespi/message/gw/#')
    spoilt = CODEC8[:-4] + '0000'
    with login(server, channel['configuration']['port']) as tracker:
        tracker.send(spoilt)
        client.recv_none()
    assert server.log.wait(r'checksum|CRC', 5), f'not logged:\n{server.log.text}'


def test_a_lenient_channel_takes_it(server):
    channel = server.create_channel('teltonika', checksum='lenient')
    client = listener(server, 'flespi/message/gw/#')
    with login(server, channel['configuration']['port']) as tracker:
        tracker.send(CODEC8[:-4] + '0000')
        check_equal(tracker.recv(4).hex(), '00000001')
        check_equal(json.loads(client.recv().payload)['timestamp'], 1560161086)


def test_clients_may_not_speak_for_trackers(server):
    client = listener(server, 'flespi/#')
    other = server.client('pretender', mqttwire.V5)
    other.send(mqttwire.publish_packet(mqttwire.V5, 'flespi/message/gw/devices/1', '{}'))
    client.recv_none()


def test_a_deleted_channel_hangs_up(server):
    channel = server.create_channel('teltonika')
    with login(server, channel['configuration']['port']) as tracker:
        check_equal(server.rest('DELETE', f'/gw/channels/{channel["id"]}').status, 200)
        assert tracker.is_closed_within(3), 'still open'
    try:
        Tracker(channel['configuration']['port'], timeout=1).socket.close()
    except ConnectionRefusedError:
        return
    raise AssertionError('the port still accepts')
