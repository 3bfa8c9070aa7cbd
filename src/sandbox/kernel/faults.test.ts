import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from 'undici';
import { startSandbox, type Sandbox } from '../sandbox.ts';
import { Faults } from './faults.ts';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({ dataDir: null, speed: 0, basePort: 0 });
});
afterAll(() => sandbox.close());

test('a fault meets only the calls that it is meant for, and says when it strikes', () => {
	const faults = new Faults();
	const struck: string[] = [];
	faults.add({
		...{ target: 'ssh', match: '^pct exec', kind: 'reset', skip: 1 },
		only: (line, context) => line.includes(' 101 ') && context.includes('acme'),
		onTaken: () => struck.push('before')
	});
	faults.add({
		...{ target: 'ssh', match: 'after', kind: 'reset', when: 'after' },
		onTaken: () => struck.push('after')
	});
	expect(faults.take('ssh', 'pct exec 102 -- true', 'acme')).toBeUndefined();
	expect(faults.take('ssh', 'pct exec 101 -- true')).toBeUndefined();
	expect(faults.take('ssh', 'pct exec 101 -- true', 'for acme')).toBeUndefined();
	expect(struck).toEqual([]);
	const first = faults.take('ssh', 'pct exec 101 -- true', 'for acme');
	expect(first?.kind).toBe('reset');
	faults.struck(first);
	expect(struck).toEqual(['before']);
	const second = faults.take('ssh', 'after');
	expect(struck).toEqual(['before']);
	faults.struck(second);
	faults.struck(undefined);
	expect(struck).toEqual(['before', 'after']);
	expect(faults.list()).toEqual([]);
});

test('the context of an HTTP call is its Host and its body', async () => {
	const { cloudflare, edge } = sandbox.vendors;
	const met: string[] = [];
	const add = (target: 'edge' | 'cloudflare', text: string) =>
		sandbox.kernel.faults.add({
			...{ target, kind: 'status', status: 503 },
			only: (_line, context) => context.includes(text),
			onTaken: () => met.push(text)
		});
	add('edge', 'acme.sajet.us');
	add('cloudflare', '"comment":"acme"');
	const look = async (host: string) => (await request(edge, { headers: { host } })).statusCode;
	expect(await look('other.sajet.us')).not.toBe(503);
	expect(await look('acme.sajet.us')).toBe(503);
	const record = async (comment: string) =>
		(
			await fetch(`${cloudflare.url}/zones/${cloudflare.zone_id}/dns_records`, {
				method: 'POST',
				headers: {
					authorization: `Bearer ${cloudflare.token}`,
					'content-type': 'application/json'
				},
				body: JSON.stringify({
					...{ type: 'CNAME', name: `${comment}.sajet.us`, content: 'example.com', ttl: 1, comment }
				})
			})
		).status;
	expect(await record('other')).toBe(200);
	expect(await record('acme')).toBe(503);
	expect(met).toEqual(['acme.sajet.us', '"comment":"acme"']);
});
