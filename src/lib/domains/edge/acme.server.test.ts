import { X509Certificate } from 'node:crypto';
import { request } from 'undici';
import { beforeEach, describe, expect, test } from 'vitest';
import { createEdgeDomain } from '../../../../tests/factories/edge.ts';
import { testEdge } from '../../../../tests/setup/edge.ts';
import type { FaultKind } from '../../../sandbox/kernel/faults.ts';
import { DAY, MINUTE, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { tendCertificate } from './acme.server.ts';
import { renewalTime } from './acmePace.ts';
import { giveTurns } from './certificateJobs.server.ts';
import { placeOfDomain } from '../custom/domainPlace.server.ts';
import { edgeDriver } from '../custom/edgeDriver.server.ts';
import { convergeEdge } from './edgeServers.server.ts';

const edge = await testEdge();
const HOST = 'erp.cliente.com';
let edgeId = '';
let domainId = '';
const row = () => db.edgeCertificate.findUniqueOrThrow({ where: { customDomainId: domainId } });

beforeEach(async () => {
	({ edgeId, domainId } = await edge.begin(HOST));
});

test('a certificate is ordered, proven through the edge itself, stored with its key, and served', async () => {
	await tendCertificate(domainId);
	const issued = await row();
	expect(issued).toMatchObject({ error: null, failures: 0, orderUrl: null, orderKey: null });
	const leaf = new X509Certificate(issued.chain ?? '');
	expect(leaf.checkHost(HOST)).toBe(HOST);
	expect(issued.privateKey).toMatch(/^v1\./);
	expect(issued.nextTryAt).toEqual(
		renewalTime({
			issuer: '',
			notBefore: new Date(leaf.validFrom),
			notAfter: new Date(leaf.validTo)
		})
	);
	expect(await db.acmeChallenge.count()).toBe(0);
	const server = await db.edgeServer.findUniqueOrThrow({ where: { id: edgeId } });
	expect(server.wantedVersion).toBe(1);
	await convergeEdge(edgeId);
	expect(edge.served()).toContain('ssl_certificate ');
	const answer = await request(edge.vendors.edge.replace('localhost', '127.0.0.1'), {
		headers: { host: HOST }
	});
	expect([answer.headers.server, answer.statusCode]).toEqual(['nginx', 404]);
});

test('an account is made once, and made again where the authority has lost it', async () => {
	await tendCertificate(domainId);
	const [account] = edge.authority().accounts;
	edge.authority().accounts = [];
	edge.pass(61 * DAY);
	await tendCertificate(domainId);
	expect((await row()).error).toContain('away');
	edge.pass(3 * MINUTE);
	await tendCertificate(domainId);
	expect((await row()).error).toBeNull();
	expect(edge.authority().accounts[0]?.jwk).toEqual(account?.jwk);
});

describe('renewal', () => {
	test('nothing is ordered before its time, then once, with another key', async () => {
		await tendCertificate(domainId);
		const before = await row();
		edge.pass(58 * DAY);
		await tendCertificate(domainId);
		expect(await giveTurns()).toBe(0);
		expect(edge.authority().orders).toHaveLength(1);
		edge.pass(3 * DAY);
		expect(await giveTurns()).toBe(1);
		await tendCertificate(domainId);
		const after = await row();
		expect(edge.authority().orders).toHaveLength(2);
		expect(after.chain).not.toBe(before.chain);
		expect(after.notAfter!.getTime()).toBeGreaterThan(before.notAfter!.getTime());
	});

	test('one that fails leaves the old one in force, and says so without standing in the way', async () => {
		await tendCertificate(domainId);
		const { chain } = await row();
		await edge.dns.set('CAA', 'cliente.com', '0 issue "digicert.com"');
		edge.pass(61 * DAY);
		await tendCertificate(domainId);
		expect(await row()).toMatchObject({ chain, failures: 1 });
	});
});

describe('what the authority refuses', () => {
	test('is tried ever later, never more than five times an hour, and never given up', async () => {
		await edge.noZone('cliente.com');
		const tries: number[] = [];
		for (let minute = 0; minute < 3 * 24 * 60; minute += 5) {
			const before = edge.authority().failures.length;
			await tendCertificate(domainId);
			if (edge.authority().failures.length > before) tries.push(minute);
			edge.pass(5 * MINUTE);
		}
		for (const start of tries)
			expect(tries.filter((at) => at >= start && at < start + 60).length).toBeLessThanOrEqual(5);
		expect(tries.length).toBeGreaterThan(6);
		expect(tries.at(-1)).toBeGreaterThan(24 * 60);
		expect((await row()).error).toMatch(/^dns: /);
		await edge.dns.set('A', HOST, '203.0.113.10');
		edge.pass(2 * DAY);
		await tendCertificate(domainId);
		expect(await row()).toMatchObject({ error: null, failures: 0 });
	}, 60_000);

	test('a limit is respected until the time that it names', async () => {
		const type = 'urn:ietf:params:acme:error:rateLimited';
		const body = JSON.stringify({ type, detail: 'too many certificates' });
		edge.kernel.faults.add({
			target: 'acme',
			match: 'new-order',
			kind: 'status',
			status: 429,
			body
		});
		await tendCertificate(domainId);
		const limited = await row();
		expect(limited.error).toBe('rateLimited: too many certificates');
		expect(limited.nextTryAt!.getTime()).toBeGreaterThan(now().getTime() + 59 * MINUTE);
		await tendCertificate(domainId);
		expect(edge.authority().orders).toHaveLength(0);
	});

	test('a domain that is taken away and added again waits as long', async () => {
		await edge.noZone('cliente.com');
		await tendCertificate(domainId);
		const { nextTryAt } = await row();
		await edgeDriver.remove(await placeOfDomain(db, domainId));
		await db.customDomain.update({ where: { id: domainId }, data: { status: 'removed' } });
		domainId = (await createEdgeDomain(db, HOST)).id;
		await tendCertificate(domainId);
		expect((await row()).nextTryAt).toEqual(nextTryAt);
	});
});

const STEPS = [
	'new-nonce',
	'new-account',
	'new-order',
	'POST /order',
	'authz',
	'chall',
	'finalize',
	'cert'
];
const FAULTS: [FaultKind, 'before' | 'after', number?][] = [
	['reset', 'before'],
	['reset', 'after'],
	['status', 'before', 500],
	['status', 'after', 503],
	['malformed', 'after']
];

test.each(
	STEPS.flatMap((step) => FAULTS.map(([kind, when, status]) => ({ step, kind, when, status })))
)(
	'after a fault at $step ($kind, $when) it goes on with what was stored',
	async ({ step, kind, when, status }) => {
		edge.kernel.faults.add({ target: 'acme', match: step, kind, when, ...(status && { status }) });
		for (let run = 0; run < 4 && !(await db.edgeCertificate.findFirst())?.chain; run++) {
			await tendCertificate(domainId);
			edge.pass(20 * MINUTE);
		}
		expect((await row()).chain).toContain('BEGIN CERTIFICATE');
		// A lost answer to the order makes a second one at most; everything else goes on with the same.
		expect(edge.authority().orders.length).toBeLessThanOrEqual(step === 'new-order' ? 2 : 1);
		expect(edge.authority().accounts).toHaveLength(1);
	}
);
