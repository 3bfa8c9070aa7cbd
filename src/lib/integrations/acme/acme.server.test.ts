import { generateKeyPairSync, X509Certificate, createPrivateKey } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { eventually } from '../../../../tests/setup/queue.ts';
import { testSandbox } from '../../../../tests/setup/sandbox.ts';
import { acmeDocument } from '../../../sandbox/acme/state.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import {
	acme,
	caaIdentities,
	signingRequest,
	type AcmeClient,
	type AcmeOrder
} from './acme.server.ts';
import { AcmeError } from './errors.ts';

const { kernel, vendors, url } = await testSandbox();
const directoryUrl = vendors.acme.directory;
const newKey = () =>
	generateKeyPairSync('ec', { namedCurve: 'P-256' })
		.privateKey.export({ type: 'pkcs8', format: 'pem' })
		.toString();
const accountKey = newKey();
const failure = (promise: Promise<unknown>): Promise<AcmeError> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => (error instanceof AcmeError ? error : Promise.reject(error))
	);
const HOST = 'erp.cliente.com';
let client: AcmeClient;

async function dns(name: string, type: string, content: string): Promise<void> {
	const body = JSON.stringify({ name, type, content });
	const headers = { 'content-type': 'application/json' };
	const answer = await fetch(`${url}/__sandbox/dns/records`, { method: 'POST', headers, body });
	expect(answer.status).toBe(200);
}
const configured = async (record = unrecorded): Promise<AcmeClient> => {
	const first = acme({ directoryUrl, accountKey, accountUrl: null, timeoutMs: 1_000 }, record);
	const { url: accountUrl } = await first.createAccount('acme@sajet.us');
	return acme({ directoryUrl, accountKey, accountUrl, timeoutMs: 1_000 }, record);
};
/** What the name answers at the well-known place. */
let shown = '';
const settled = (order: AcmeOrder) =>
	eventually(async () => {
		const seen = await client.order(order.url);
		return seen.status !== 'pending' && seen.status !== 'processing' ? seen : null;
	});
async function proven(): Promise<AcmeOrder> {
	const order = await client.newOrder(HOST);
	const [challenge] = await client.challenges(order);
	shown = challenge!.keyAuthorization;
	await client.answer(challenge!);
	return settled(order);
}

beforeEach(async () => {
	kernel.reset();
	await dns(HOST, 'A', '203.0.113.77');
	kernel.network.serve((address) =>
		address === '203.0.113.77' ? async () => ({ status: 200, body: shown }) : null
	);
	client = await configured();
});

test('a certificate: account, order, proof over HTTP, request, chain', async () => {
	const order = await proven();
	expect(order).toMatchObject({ status: 'ready', identifiers: [{ value: HOST }] });
	const key = newKey();
	await client.finalize(order, await signingRequest(HOST, key));
	const chain = await client.certificate(await settled(order));
	const leaf = new X509Certificate(chain);
	expect(leaf.checkHost(HOST)).toBe(HOST);
	expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
	expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
});

test('the account of a key is one, however often it is asked for', async () => {
	await configured();
	await configured();
	expect(acmeDocument(kernel).get().accounts).toHaveLength(1);
});

test('a nonce that was used up is changed for another', async () => {
	const type = 'urn:ietf:params:acme:error:badNonce';
	const body = JSON.stringify({ type, detail: 'used' });
	kernel.faults.add({
		target: 'acme',
		match: 'new-order',
		kind: 'status',
		status: 400,
		body,
		times: 2
	});
	expect((await client.newOrder(HOST)).status).toBe('pending');
});

test('what the authority finds wrong is told with its reason', async () => {
	shown = 'something else';
	const order = await client.newOrder(HOST);
	const [challenge] = await client.challenges(order);
	await client.answer(challenge!);
	const invalid = await settled(order);
	expect(invalid.status).toBe('invalid');
	const [failed] = await client.challenges(invalid);
	expect(failed?.error?.type).toBe('unauthorized');
	expect(failed?.error?.detail).toContain('did not match');
});

test.each([
	[
		'nowhere',
		'dns',
		async () => fetch(`${url}/__sandbox/dns/zones/cliente.com`, { method: 'DELETE' })
	],
	['CAA', 'caa', () => dns('cliente.com', 'CAA', '0 issue "digicert.com"')]
])('%s makes it refuse with %s', async (_why, type, spoil) => {
	await spoil();
	const order = await proven();
	const [failed] = await client.challenges(order);
	expect([order.status, failed?.error?.type]).toEqual(['invalid', type]);
});

test('five failures of a name in an hour are the limit, which says until when', async () => {
	for (let index = 0; index < 5; index++) {
		const order = await client.newOrder(HOST);
		const [challenge] = await client.challenges(order);
		shown = 'wrong';
		await client.answer(challenge!);
		expect((await settled(order)).status).toBe('invalid');
	}
	const limited = await failure(client.newOrder(HOST));
	expect(limited).toMatchObject({ kind: 'rate_limited', code: 'rateLimited', retryable: true });
	expect(limited.retryAt?.getTime()).toBeGreaterThan(Date.now());
	expect((await client.newOrder('other.cliente.com')).status).toBe('pending');
});

test('an order that is gone, a name that is none, and another key', async () => {
	expect(await failure(client.order(`${new URL(directoryUrl).origin}/order/none`))).toMatchObject({
		kind: 'not_found'
	});
	expect(await failure(client.newOrder('no_name'))).toMatchObject({
		kind: 'refused',
		code: 'rejectedIdentifier'
	});
	const stranger = acme(
		{ directoryUrl, accountKey: newKey(), accountUrl: `${directoryUrl}/none` },
		unrecorded
	);
	expect(await failure(stranger.newOrder(HOST))).toMatchObject({ kind: 'not_found' });
});

test('an authority that is away: reads may be tried again, changes have to be looked for', async () => {
	const order = await client.newOrder(HOST);
	for (const [kind, status] of [['reset'], ['status', 503], ['timeout']] as const) {
		kernel.faults.add({ target: 'acme', match: 'POST /order', kind, ...(status && { status }) });
		expect(await failure(client.order(order.url))).toMatchObject({ kind: 'away', retryable: true });
		kernel.faults.add({ target: 'acme', match: 'new-order', kind, ...(status && { status }) });
		expect(await failure(client.newOrder(HOST))).toMatchObject({ kind: 'away', ambiguous: true });
	}
	kernel.faults.add({ target: 'acme', match: 'POST /order', kind: 'malformed' });
	expect(await failure(client.order(order.url))).toMatchObject({ kind: 'malformed' });
});

test('changes are recorded, without keys', async () => {
	const calls: RecordedCall[] = [];
	client = await configured((call, send) => {
		calls.push(call);
		return send();
	});
	await proven();
	const changes = calls.filter((one) => one.changes).map(({ operation }) => operation);
	expect(changes).toEqual(['account.create', 'order.create', 'challenge.answer']);
	expect(JSON.stringify(calls)).not.toContain('PRIVATE');
});

test('says how CAA names it', async () => {
	expect(await caaIdentities(directoryUrl)).toEqual(['letsencrypt.org']);
	expect(await failure(caaIdentities('http://127.0.0.1:9/directory'))).toMatchObject({
		kind: 'away'
	});
});
