// A bot's conversation over node-redis: create, read, update, conflict, rollback, audit stream.
//
//     node conversation.mjs [KEY]
//
// KEY is a channel that has no state yet. REDIS_STATE_URL names the server; REDIS_STATE_PROTOCOL is
// 3 (RESP3, the default) or 2. docs/clients.md explains each part.

import { createClient, ErrorReply } from 'redis';

const TRIES = 3;

const NEXT = {
  'login/Greeting': 'login/LoginApiCall',
  'login/LoginApiCall': 'onboard/Welcome',
  'onboard/Welcome': 'onboard/FirstNameInput',
  'onboard/FirstNameInput': 'onboard/LastNameInput',
};

async function connect() {
  const redis = createClient({
    url: process.env.REDIS_STATE_URL ?? 'redis://127.0.0.1:6379/0',
    RESP: Number(process.env.REDIS_STATE_PROTOCOL ?? 3),
  });
  // Without a listener, a lost connection ends the process.
  redis.on('error', (error) => console.error(error.message));
  return redis.connect();
}

/** A map in a reply: RESP3 sends a map, RESP2 a flat list of names and values. */
function asObject(reply) {
  if (!Array.isArray(reply)) return reply;
  return Object.fromEntries(reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1]]] : [])));
}

/** The first word of an error reply (the `message` of node-redis); undefined for other errors. */
function firstWord(error) {
  return error instanceof ErrorReply ? error.message.split(' ', 1)[0] : undefined;
}

async function read(redis, key) {
  const state = await redis.sendCommand(['STATE.GET', key]);
  if (state === null) throw new Error(`${key} has no state: the session has expired or never began`);
  const [etag, document] = state;
  return [etag, JSON.parse(document)];
}

/** Applies a message once: its etag, or null for a redelivery that decides differently. */
async function answer(redis, key, messageId, decide) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const [etag, document] = await read(redis, key);
    const change = JSON.stringify(await decide(document));
    try {
      return await redis.sendCommand(['STATE.UPDATE', key, etag, change, 'ID', messageId]);
    } catch (error) {
      switch (firstWord(error)) {
        case 'CONFLICT':
          continue; // Another client changed the state: read again, decide again.
        case 'IDMISMATCH':
          return null; // A redelivery: the first decision stands, because the state has moved on.
        default:
          throw error;
      }
    }
  }
  throw new Error(`${key}: conflict in all ${TRIES} tries`);
}

function step({ current }) {
  return `${current.path}/${current.component}`;
}

/** The decision of this bot: a merge patch to the next step, which leaves other members alone. */
function nextStep(document) {
  const [path, component] = NEXT[step(document)].split('/');
  return { current: { path, component } };
}

const key = process.argv[2] ?? 'channel:+263772000002';
const redis = await connect();

// 0: no state exists yet. The schema adds the defaults, the transitions and the expiry.
const channel = JSON.stringify({ channel: { type: 'whatsapp', identifier: key.replace(/^channel:/, '') } });
const create = ['STATE.UPDATE', key, '0', channel, 'SCHEMA', 'vimbiso.channel', 'EVENT', 'first_contact'];
console.log('created    ', await redis.sendCommand(create));

const [first, document] = await read(redis, key);
console.log('read       ', first, step(document));

// After a timeout, send the same command again: its ID makes it idempotent, with the same reply.
const move = ['STATE.UPDATE', key, first, JSON.stringify(nextStep(document)), 'ID', 'wamid.1'];
console.log('moved      ', await redis.sendCommand(move));
console.log('resent     ', await redis.sendCommand(move));

// The first etag is stale by now, so the server rejects the update.
try {
  await redis.sendCommand(['STATE.UPDATE', key, first, JSON.stringify(nextStep(document))]);
} catch (error) {
  console.log('rejected   ', firstWord(error));
}

// The decision is slow: during the first try another handler moves the conversation.
let tries = 0;
const etag = await answer(redis, key, 'wamid.2', async (document) => {
  tries += 1;
  const change = nextStep(document);
  if (tries === 1) await redis.sendCommand(['STATE.UPDATE', key, '*', JSON.stringify(change), 'ACTOR', 'login_api']);
  return change;
});
console.log('answered   ', etag, 'after', tries, 'tries');

// The webhook delivers the message again. Without the ID, it would move one step too far.
const again = await answer(redis, key, 'wamid.2', nextStep);
console.log('redelivered', again ?? 'already counted');

const back = ['STATE.ROLLBACK', key, etag, 'NOTE', 'user said back', 'RETURN'];
const [earlier, restored] = await redis.sendCommand(back);
console.log('rolled back', earlier, step(JSON.parse(restored)));

const meta = asObject(await redis.sendCommand(['STATE.META', key]));
console.log('meta       ', `version ${meta.version}, schema ${meta.schema}, valid ${meta.valid}`);

for (const { message: entry } of await redis.xRange(meta.audit, '-', '+')) {
  console.log('audit      ', entry.version, entry.event);
}

await redis.close();
