// MQTT.js against the hub: publishes and receives at QoS 0, 1 and 2 with one protocol version, and
// prints what it saw as JSON lines. Arguments: URL, token, protocol version (3, 4 or 5), and for
// TLS the file of the certificate to trust.
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const [url, token, version, trusted] = process.argv.slice(2);
const protocolVersion = Number(version);
const topic = `js/${version}`;
const say = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

const ca = trusted && readFileSync(trusted);
const client = await mqtt.connectAsync(url, {
  ...(url.startsWith('mqtts:') && { ca, ALPNProtocols: ['mqtt'] }),
  ...(url.startsWith('wss:') && { wsOptions: { ca } }),
  clientId: `mqttjs-${version}`,
  username: token,
  protocolVersion,
  protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
  reconnectPeriod: 0,
  connectTimeout: 10000,
  ...(protocolVersion === 5 && { properties: { receiveMaximum: 20, topicAliasMaximum: 10 } }),
});
say('connected', { version: protocolVersion });

const heard = new Promise((resolve) => {
  let count = 0;
  client.on('message', (name, payload, packet) => {
    say('message', {
      topic: name,
      payload: payload.toString(),
      qos: packet.qos,
      retain: packet.retain,
      properties: packet.properties ?? null,
    });
    count += 1;
    if (count === 3) resolve();
  });
});

const granted = await client.subscribeAsync(`${topic}/+`, {
  qos: 2,
  ...(protocolVersion === 5 && { properties: { subscriptionIdentifier: 42 } }),
});
say('subscribed', { qos: granted.map((one) => one.qos) });

for (const qos of [0, 1, 2]) {
  await client.publishAsync(`${topic}/${qos}`, `payload ${qos}`, {
    qos,
    ...(protocolVersion === 5 && { properties: { userProperties: { from: 'js' } } }),
  });
  say('published', { qos });
}
await heard;
await client.unsubscribeAsync(`${topic}/+`);
await client.endAsync();
say('ended', {});
