import { beforeEach, describe, expect, test } from 'vitest';
import { testSandbox } from '../../../../tests/setup/sandbox.ts';
import { dnsDocument } from '../../../sandbox/dns/zones.ts';
import { diagnose } from './doctor.ts';
import type { Expected } from './domainTypes.ts';
import { lookPatience, observe, proveOwnership } from './observe.server.ts';

const sandbox = await testSandbox();
const { kernel } = sandbox;
const control = async (path: string, body: object): Promise<void> => {
	const answer = await fetch(`${sandbox.url}/__sandbox/dns${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body)
	});
	if (!answer.ok) throw new Error(await answer.text());
};
const has = (name: string, type: string, content: string) =>
	control('/records', { name, type, content });

const token = 'erp-verify=0123456789abcdef';
const hostname = 'erp.cliente.com';
const verificationName = '_erp-verify.erp.cliente.com';
const expected: Expected = {
	...{ hostname, verificationName, verificationToken: token, isApex: false },
	...{ target: 'customers.nosotros.com', addresses: ['127.0.0.1'] },
	...{ authorities: ['pki.goog'], certificateExpected: false }
};
const look = (options = { https: true, fresh: true }) =>
	observe({ hostname, verificationName }, options);
const codes = async () => diagnose(await look(), expected).map(({ code }) => code);

beforeEach(async () => {
	kernel.reset();
	await has('customers.nosotros.com', 'A', '127.0.0.1');
});
const right = async () => {
	await has(hostname, 'CNAME', 'customers.nosotros.com');
	await has(verificationName, 'TXT', token);
};

test('everything that can be seen of a domain that is right', async () => {
	await right();
	await has('cliente.com', 'CAA', '0 issue "pki.goog"');
	expect(await look()).toMatchObject({
		...{ hostname, address: 'found', a: ['127.0.0.1'], aaaa: [], reason: null },
		cnames: ['customers.nosotros.com'],
		ownership: { name: verificationName, state: 'found', records: [token], elsewhere: [] },
		domain: { name: 'cliente.com', state: 'found' },
		caa: { at: 'cliente.com', issuers: ['pki.goog'] },
		nameservers: ['ns1.registrar.test'],
		https: { kind: 'answered', status: 409, server: 'cloudflare', certificate: null }
	});
	expect(await codes()).toEqual([]);
	expect(await look({ https: false, fresh: false })).toMatchObject({ https: null });
});

describe('what people get wrong is told in one word', () => {
	test('nothing is registered', async () => {
		expect(await codes()).toEqual(['domain_unregistered']);
	});

	test('nothing is set yet', async () => {
		await has('cliente.com', 'A', '192.0.2.7');
		expect(await codes()).toEqual(['token_missing', 'name_missing']);
	});

	test('three records instead of one', async () => {
		await right();
		const record = dnsDocument(kernel)
			.get()
			.zones.flatMap(({ records }) => records)
			.find(({ type }) => type === 'TXT');
		record!.content = token.slice(9);
		await has(verificationName, 'TXT', token.slice(0, 4));
		await has(verificationName, 'TXT', token.slice(4, 9));
		expect(await codes()).toEqual(['token_in_pieces']);
	});

	test('three strings of one record are no mistake', async () => {
		await has(hostname, 'CNAME', 'customers.nosotros.com');
		await has(verificationName, 'TXT', `"${token.slice(0, 4)}" "${token.slice(4)}"`);
		expect(await codes()).toEqual([]);
	});

	test.each([
		...[`${verificationName}.cliente.com`, 'cliente.com', '_erp-verify.cliente.com'],
		'_erp-verify.erp.cliente.com.cliente.com'
	])('the token at %s', async (place) => {
		await has(hostname, 'CNAME', 'customers.nosotros.com');
		await has(place, 'TXT', token);
		expect(await codes()).toEqual(['token_misplaced']);
	});

	test('the registrar answers with a parking page', async () => {
		await has(verificationName, 'TXT', token);
		await has(hostname, 'A', '198.51.100.1');
		const [finding] = diagnose(await look(), expected);
		expect(finding).toMatchObject({ code: 'parked', params: { provider: 'Parking/1.0' } });
	});

	test('another provider, with its name', async () => {
		await has(verificationName, 'TXT', token);
		await has(hostname, 'A', '151.101.1.195');
		const [finding] = diagnose(await look(), expected);
		expect(finding?.params.found).toBe('151.101.1.195 (Fastly)');
	});

	test('CAA forbids our authority', async () => {
		await right();
		await has('cliente.com', 'CAA', '0 issue "digicert.com"');
		expect(await codes()).toEqual(['caa_forbids']);
	});

	test('broken signatures, silent servers and circles are told apart', async () => {
		await right();
		await control('/zones', { name: 'cliente.com', signed: 'broken' });
		expect(await codes()).toEqual(['dnssec_broken']);
		await control('/zones', { name: 'cliente.com', signed: 'none', silent: true });
		expect(await codes()).toEqual(['dns_unreachable']);
		kernel.reset();
		await has(verificationName, 'TXT', token);
		await has(hostname, 'CNAME', 'b.cliente.com');
		await has('b.cliente.com', 'CNAME', hostname);
		expect(await codes()).toEqual(['cname_loop']);
	});

	test('a CNAME to nowhere', async () => {
		await has(verificationName, 'TXT', token);
		await has(hostname, 'CNAME', 'gone.otro.net');
		expect(await codes()).toEqual(['cname_dangling']);
	});
});

describe('ownership', () => {
	test('is seen as soon as the zone has it, whatever resolvers remember', async () => {
		await control('/negative-cache', { on: true });
		await has('cliente.com', 'A', '192.0.2.7');
		expect(await proveOwnership(verificationName, token)).toEqual({
			...{ state: 'missing', records: [] }
		});
		expect(await look({ https: false, fresh: false })).toMatchObject({
			ownership: { state: 'nxdomain' }
		});
		await has(verificationName, 'TXT', token);
		expect(await proveOwnership(verificationName, token)).toMatchObject({ state: 'proven' });
		expect(await look()).toMatchObject({ ownership: { state: 'found' } });
		expect(await look({ https: false, fresh: false })).toMatchObject({
			ownership: { state: 'nxdomain' }
		});
	});

	test('is other, in pieces, or not known', async () => {
		await has(verificationName, 'TXT', 'v=spf1 -all');
		const state = async () => (await proveOwnership(verificationName, token)).state;
		expect(await state()).toBe('other');
		await has(verificationName, 'TXT', token.slice(0, 12));
		await has(verificationName, 'TXT', token.slice(12));
		expect(await state()).toBe('pieces');
		await has(verificationName, 'TXT', ` "${token}"`);
		expect(await state()).toBe('proven');
		await control('/zones', { name: 'cliente.com', signed: 'broken' });
		expect(await state()).toBe('unknown');
		await control('/zones', { name: 'cliente.com', signed: 'none', silent: true });
		expect(await state()).toBe('unknown');
	});
});

test('silent servers end a look in about three seconds', async () => {
	await right();
	expect(lookPatience.dnsMs + lookPatience.httpsMs).toBeLessThanOrEqual(3000);
	kernel.faults.add({ target: 'dns', kind: 'drop', times: 9999 });
	expect(await look()).toMatchObject({
		...{ address: 'unreachable', reason: 'ETIMEOUT', caa: null, nameservers: [], https: null },
		ownership: { state: 'unreachable', records: [] }
	});
	expect(await codes()).toEqual(['dns_unreachable']);
	kernel.faults.clear();
	kernel.faults.add({ target: 'edge', kind: 'timeout', times: 9 });
	expect(await look()).toMatchObject({
		https: { kind: 'unreachable', reason: 'timeout' }
	});
});
