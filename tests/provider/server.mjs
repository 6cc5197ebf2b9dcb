// A certified OpenID provider for the tests: oidc-provider with people who sign in by a plain form.
//
// The first line of stdin is its settings as JSON: {port, clients, people}. It says "ready" on stdout. Under /-/ the
// test turns it: rotate (new keys), people (other claims), end (the grants of a person), seen (calls to clients).
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import readline from 'node:readline';
import Provider, { interactionPolicy } from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';

const HOUR = 3600;

async function firstLine() {
  for await (const line of readline.createInterface({ input: process.stdin })) return JSON.parse(line);
  throw new Error('no settings came');
}

const settings = await firstLine();
const issuer = `http://127.0.0.1:${settings.port}`;
const people = settings.people;
const seen = [];

// ---- what outlives a new set of keys ----------------------------------------------------------

const rows = new Map();

class Memory {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    rows.set(this.key(id), payload);
  }

  async find(id) {
    return rows.get(this.key(id));
  }

  async findByUid(uid) {
    return [...rows].find(([key, row]) => key.startsWith(`${this.model}:`) && row.uid === uid)?.[1];
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    rows.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, row] of rows) if (row.grantId === grantId) rows.delete(key);
  }
}

// ---- the provider -----------------------------------------------------------------------------

async function newKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-${randomUUID()}` };
}

// Whoever asks for a class of sign-in that the session does not have signs in again.
function policy() {
  const base = interactionPolicy.base();
  const { Check } = interactionPolicy;
  base.get('login').checks.add(new Check('acr', 'another class of sign-in is asked for', 'login_required', (ctx) => {
    const wanted = (ctx.oidc.params.acr_values ?? '').split(' ').filter(Boolean);
    return wanted.length && !wanted.includes(ctx.oidc.acr) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  }));
  return base;
}

async function grantAll(ctx) {
  const { client, session, params } = ctx.oidc;
  const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

// Its own way out refuses loopback addresses, and not every system resolves *.localhost.
function call(url, { method = 'GET', headers, body }) {
  return new Promise((resolve, reject) => {
    const { host, port, pathname, search } = new URL(url);
    const request = http.request({
      host: '127.0.0.1', port, path: pathname + search, method, headers: { ...Object.fromEntries(headers), host },
    }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        seen.push({ url: String(url), status: answer.statusCode });
        resolve(new Response(null, { status: answer.statusCode }));
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : String(body));
  });
}

async function build() {
  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: settings.clients,
    jwks: { keys: [await newKey('RS256'), await newKey('ES256')] },
    cookies: { keys: ['of the tests alone'], long: { signed: true, sameSite: 'none', httpOnly: true } },
    enableHttpPostMethods: true,
    pkce: { required: () => true },
    acrValues: ['pwd', 'mfa'],
    claims: {
      openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups', 'device_compliant'],
      acr: null, amr: null, auth_time: null, sid: null, iss: null,
    },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: settings.par ?? true },
      revocation: { enabled: true },
    },
    fetch: call,
    findAccount: (_ctx, sub) => (people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
    interactions: { policy: policy(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    loadExistingGrant: grantAll,
    rotateRefreshToken: true,
    ttl: { AccessToken: HOUR, AuthorizationCode: 60, Grant: HOUR, IdToken: HOUR, Interaction: 600, RefreshToken: HOUR,
      Session: HOUR },
  });
  for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error'])
    provider.on(event, (...about) => console.error(event, ...about.filter((a) => a instanceof Error)));
  return provider;
}

let provider = await build();
let serve = provider.callback();

// ---- the form at which people sign in ---------------------------------------------------------

async function bodyOf(req) {
  let text = '';
  for await (const piece of req) text += piece;
  return text;
}

async function interaction(req, res) {
  if (req.method === 'GET') {
    const { prompt, params } = await provider.interactionDetails(req, res);
    res.setHeader('Content-Type', 'text/html');
    res.end(`<form method="post" data-prompt="${prompt.name}" data-for="${params.client_id}">
      <input name="login"><input name="password" type="password"><input name="acr"></form>`);
    return;
  }
  const form = new URLSearchParams(await bodyOf(req));
  if (!people[form.get('login')] || form.get('password') !== 'secret') {
    await provider.interactionFinished(req, res, { error: 'access_denied', error_description: '<b>no</b>' });
    return;
  }
  await provider.interactionFinished(req, res, {
    login: { accountId: form.get('login'), acr: form.get('acr') || 'pwd', amr: ['pwd'], remember: true },
  }, { mergeWithLastSubmission: false });
}

// ---- the test's own -----------------------------------------------------------------------------

const controls = {
  async rotate() {
    provider = await build();
    serve = provider.callback();
  },
  async people(change) {
    Object.assign(people, change);
  },
  async end({ login }) {
    for (const [key, row] of rows) if (row.accountId === login && !key.startsWith('Session:')) rows.delete(key);
  },
  async seen() {
    return seen;
  },
};

async function control(req, res) {
  const text = await bodyOf(req);
  const answer = await controls[req.url.slice(3)](text ? JSON.parse(text) : {});
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(answer ?? null));
}

// A browser keeps a SameSite=None cookie with Secure alone, which the library does not say on plain HTTP; loopback is
// trusted like HTTPS.
function secure(res) {
  const set = res.setHeader.bind(res);
  const say = (cookie) => (/samesite=none/i.test(cookie) ? `${cookie}; secure` : cookie);
  res.setHeader = (name, value) => set(name, name.toLowerCase() === 'set-cookie' ? [value].flat().map(say) : value);
}

http.createServer((req, res) => {
  secure(res);
  const route = req.url.startsWith('/-/') ? control : req.url.startsWith('/interaction/') ? interaction : serve;
  Promise.resolve(route(req, res)).catch((error) => {
    console.error(error);
    res.statusCode = 500;
    res.end();
  });
}).listen(settings.port, '127.0.0.1', () => console.log('ready'));
