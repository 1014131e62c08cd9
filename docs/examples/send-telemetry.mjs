// Plays a device: enrols it and sends its temperature every second, each sample until somebody has taken it.
// TOKEN is an API key that may enrol devices, MQTT_URL the broker with its login; README.md says where to find both.
// AURORA_URL says where the site is, when not on its usual port. Elsewhere it needs `npm install mqtt cborg`.
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { encode } from 'cborg';
import { connectAsync } from 'mqtt';

const { AURORA_URL = 'http://127.0.0.1:8000', MQTT_URL, TOKEN, NAME = 'Example device' } = process.env;

// One line for whoever runs it, in place of a stack.
process.on('uncaughtException', ({ message, cause }) => {
  console.error(message, cause?.message ?? '');
  process.exit(1);
});
if (!TOKEN || !MQTT_URL) throw new Error('Set TOKEN and MQTT_URL; the README says where to find both');

async function ask(query, variables) {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(`${AURORA_URL}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

// The private key would stay in the device; it is what attestation will ask for.
const { publicKey } = generateKeyPairSync('ed25519', { publicKeyEncoding: { type: 'spki', format: 'pem' } });
const { createEnrolmentToken } = await ask('mutation { createEnrolmentToken(input: {}) { token } }');
const { enrolDevice: device } = await ask(
  `mutation ($input: EnrolDeviceInput!) { enrolDevice(input: $input) { ... on Device { id } ... on EnrolmentTokenRefused { reason } } }`,
  { input: { token: createEnrolmentToken.token, name: NAME, model: 'example', firmwareVersion: '1.0.0', publicKey } },
);
if (!device.id) throw new Error(`Not enrolled: ${device.reason}`);
console.log('Enrolled as', device.id);

const broker = await connectAsync(MQTT_URL, { protocolVersion: 5 });
// 0x10 is the answer where nobody was there to take the message: only another one says that it is kept.
let reason;
broker.on('packetreceive', (packet) => (reason = packet.cmd === 'puback' ? packet.reasonCode : reason));
for (let seq = 0; ; seq++) {
  const sample = encode({ seq, ts: Date.now(), metrics: { temperature: 20 + Math.sin(seq / 10) } });
  do await broker.publishAsync(`aurora/v1/tel/${device.id}`, Buffer.from(sample), { qos: 1 });
  while (reason === 0x10 && (await wait(1_000, true)));
  console.log('Sent', seq);
  await wait(1_000);
}
