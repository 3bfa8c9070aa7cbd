import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { VendorError } from '../errors.ts';
import { unrecorded, type CallRecorder, type RecordedCall } from '../record.ts';
import { cloudflare, type Cloudflare } from './cloudflare.server.ts';
import { CloudflareError } from './errors.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
const { zoneId, tunnelId, accountId } = standIn;
const config = { apiToken: standIn.token, baseUrl: standIn.url, accountId, timeoutMs: 5000 };
const client = cloudflare(config, unrecorded);
const impatient = cloudflare({ ...config, timeoutMs: 150 }, unrecorded);
const target = `${tunnelId}.cfargotunnel.com`;
const cname = (name: string) => ({ zoneId, name, target, comment: `erp-core:${name}` });

const failure = async (call: Promise<unknown>): Promise<CloudflareError> => {
	const error = await call.then(
		() => null,
		(caught: unknown) => caught
	);
	if (!(error instanceof CloudflareError)) throw new Error('it did not fail as Cloudflare does');
	return error;
};
const fault = (request: Omit<FaultRequest, 'target'>) =>
	kernel.faults.add({ target: 'cloudflare', ...request });
const calls = (match: string) => kernel.calls.list({ vendor: 'cloudflare', match }).length;

beforeEach(() => kernel.reset());

describe('when it goes wrong', () => {
	const create = (with_: Cloudflare) => failure(with_.dns.createCname(cname('acme.sajet.us')));
	const exists = async () => (await client.dns.findByName(zoneId, 'acme.sajet.us')).length === 1;

	test.each([
		['timeout', {}, 'lost', null],
		['reset', {}, 'lost', null],
		['malformed', {}, 'malformed', null],
		['malformed', { body: '{"success":true,"result":{"id":1}}' }, 'malformed', null],
		['status', { status: 502, body: '<html>Bad gateway</html>' }, 'vendor', 502]
	] as const)(
		'a change whose answer is lost by %s is ambiguous and sent once',
		async (kind, extra, expected, status) => {
			fault({ kind, match: '^POST', when: 'after', ...extra });
			expect(await create(impatient)).toMatchObject({
				kind: expected,
				status,
				ambiguous: true,
				retryable: false
			});
			expect(calls('^POST')).toBeLessThanOrEqual(1);
			expect(await exists()).toBe(true);
		}
	);

	test.each(['timeout', 'reset', 'malformed', 'status'] as const)(
		'a read that meets %s is tried again',
		async (kind) => {
			fault({ kind, match: '/zones', status: 500 });
			expect(await impatient.zones.list()).toHaveLength(2);
		}
	);

	test('a read that keeps failing says so', async () => {
		fault({ kind: 'malformed', times: 9 });
		const error = await failure(client.zones.list());
		expect(error).toMatchObject({ kind: 'malformed', ambiguous: false, retryable: true });
		expect(calls('/zones')).toBe(3);
	});

	test('429 was not carried out: a change may be sent again, a read does not sit out a long wait', async () => {
		const { rate_limit } = cloudflareDocument(kernel).get();
		Object.assign(rate_limit, { enforced: true, requests: 0 });
		const error = await create(client);
		expect(error).toMatchObject({
			kind: 'rate_limited',
			status: 429,
			code: '971',
			retryable: true,
			ambiguous: false
		});
		expect(error.retryAfterMs).toBeGreaterThan(2000);
		expect((await failure(client.zones.list())).kind).toBe('rate_limited');
		expect(calls('GET')).toBe(1);
	});

	test('nobody there: nothing was sent', async () => {
		const gone = await startCloudflare(kernel, { port: 0 });
		await gone.close();
		const nobody = cloudflare({ ...config, baseUrl: gone.url }, unrecorded);
		expect(await create(nobody)).toMatchObject({
			kind: 'unreachable',
			ambiguous: false,
			retryable: true
		});
	});

	test('somebody else there: bytes that are no HTTP', async () => {
		const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
		await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
		const { port } = server.address() as AddressInfo;
		const other = cloudflare({ ...config, baseUrl: `http://127.0.0.1:${port}` }, unrecorded);
		expect(await create(other)).toMatchObject({ kind: 'lost', ambiguous: true });
		server.close();
	});

	test('a body that stops half way is given up in time', async () => {
		const server = createServer((socket) => {
			socket.on('error', () => {});
			socket.write(
				'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"'
			);
		});
		await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
		const { port } = server.address() as AddressInfo;
		const baseUrl = `http://127.0.0.1:${port}`;
		const other = cloudflare({ ...config, baseUrl, timeoutMs: 150 }, unrecorded);
		expect(await create(other)).toMatchObject({ kind: 'lost', ambiguous: true });
		server.close();
	});
});

test('every call passes through the recorder, with its key and its outcome', async () => {
	const rows: { call: RecordedCall; outcome: string }[] = [];
	const recorder: CallRecorder = async (call, send) => {
		const row = { call, outcome: 'sent' };
		rows.push(row);
		try {
			const answer = await send();
			row.outcome = 'done';
			return answer;
		} catch (error) {
			row.outcome = error instanceof VendorError ? `${error.status} ${error.message}` : 'unknown';
			throw error;
		}
	};
	const recorded = cloudflare(config, recorder);
	await recorded.dns.createCname(cname('acme.sajet.us'));
	await failure(recorded.dns.createCname(cname('acme.sajet.us')));
	await recorded.tunnels.get(tunnelId);
	expect(rows).toEqual([
		{
			call: {
				vendor: 'cloudflare',
				operation: 'dns.create',
				key: 'erp-core:acme.sajet.us',
				changes: true,
				request: {
					...{ zoneId, type: 'CNAME', name: 'acme.sajet.us', content: target },
					...{ proxied: true, ttl: 1, comment: 'erp-core:acme.sajet.us' }
				}
			},
			outcome: 'done'
		},
		{
			call: expect.objectContaining({ operation: 'dns.create' }),
			outcome: '400 An A, AAAA, or CNAME record with that host already exists.'
		},
		{
			call: expect.objectContaining({ operation: 'tunnels.get', changes: false }),
			outcome: 'done'
		}
	]);
	expect(JSON.stringify(rows)).not.toContain(standIn.token);
});
