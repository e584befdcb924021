"""MQTT.js, the client of flespi's own tools, works in all three protocol versions."""

from harness import check_equal, run_node


def roundtrip(server, version):
    over(f'ws://127.0.0.1:{server.http_port}/any/path', server, version)
    return over(f'mqtt://127.0.0.1:{server.mqtt_port}', server, version)


def over(url, server, version):
    events = run_node('mqttjs_roundtrip.mjs', url, server.token, version)

    def of(kind):
        return [e for e in events if e['event'] == kind]

    check_equal(of('subscribed')[0]['qos'], [2], f'granted in {version}')
    check_equal([e['qos'] for e in of('published')], [0, 1, 2], f'published in {version}')
    messages = of('message')
    check_equal([(m['topic'], m['payload'], m['qos'], m['retain']) for m in messages],
                [(f'js/{version}/{qos}', f'payload {qos}', qos, False) for qos in (0, 1, 2)],
                f'received in {version}')
    check_equal(len(of('ended')), 1, 'a clean end')
    return messages


def test_mqtt_3_1(server):
    roundtrip(server, 3)


def test_mqtt_3_1_1(server):
    roundtrip(server, 4)


def test_mqtt_5(server):
    for message in roundtrip(server, 5):
        properties = message['properties']
        check_equal(properties['subscriptionIdentifier'], 42, 'what flespi\'s JS client routes by')
        check_equal(properties['userProperties']['from'], 'js')
