// MQTT.js over WebSocket against the hub: QoS 0, 1 and 2 and a message of a megabyte with one
// protocol version. Prints what it saw as JSON lines. Arguments: port, token, protocol version (3,
// 4 or 5), path, and "deflate" to offer permessage-deflate.
import mqtt from 'mqtt';
import WebSocket from 'ws';

const [port, token, version, path, offer] = process.argv.slice(2);
const protocolVersion = Number(version);
const topic = `ws/${version}`;
const large = 'x'.repeat(1024 * 1024);
let socket;
const say = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

const client = await mqtt.connectAsync(`ws://127.0.0.1:${port}${path}`, {
  clientId: `ws-${version}`,
  username: token,
  protocolVersion,
  protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
  reconnectPeriod: 0,
  connectTimeout: 10000,
  createWebsocket: (url, subprotocols) => {
    socket = new WebSocket(url, subprotocols, { perMessageDeflate: offer === 'deflate' });
    return socket;
  },
});
say('connected', { protocol: socket.protocol, extensions: socket.extensions });

const heard = new Promise((resolve) => {
  let count = 0;
  client.on('message', (name, payload, packet) => {
    const text = payload.toString();
    say('message', { topic: name, qos: packet.qos, payload: text === large ? 'large' : text });
    count += 1;
    if (count === 4) resolve();
  });
});

const granted = await client.subscribeAsync(`${topic}/+`, { qos: 2 });
say('subscribed', { qos: granted.map((one) => one.qos) });
for (const qos of [0, 1, 2]) {
  await client.publishAsync(`${topic}/${qos}`, `payload ${qos}`, { qos });
}
await client.publishAsync(`${topic}/large`, large, { qos: 1 });
await heard;

const closed = new Promise((resolve) => {
  socket.addEventListener('close', (event) => resolve(event));
});
await client.endAsync();
const { code, wasClean } = await closed;
say('ended', { code, wasClean });
