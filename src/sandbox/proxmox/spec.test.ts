import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { CONFIG_RULES } from './parameters.ts';
import { testCluster } from './testing.ts';

// Proxmox's own description of its API, where it lies beside the repository.
const file = fileURLToPath(
	new URL('../../../../shared/specs/proxmox.apidoc.json', import.meta.url)
);

interface Described {
	parameters?: { properties?: Record<string, unknown> };
	returns?: object;
}

const pve = await testCluster();
afterAll(() => pve.close());

/** PVE's dialect as JSON Schema: its booleans are 1 and 0, `optional` marks a property, `format` may be an object. */
function asJsonSchema(node: unknown): object {
	if (typeof node !== 'object' || node === null) return {};
	const { type, properties, items, enum: values, minimum } = node as Record<string, unknown>;
	if (type === 'boolean') return { enum: [0, 1, true, false] };
	if (type === 'null') return { type: 'null' };
	if (type === 'array') return { type: 'array', items: asJsonSchema(items) };
	if (type === 'object' && typeof properties === 'object' && properties !== null) {
		const entries = Object.entries(properties as Record<string, { optional?: unknown }>);
		return {
			type: 'object',
			properties: Object.fromEntries(
				// `net[n]` stands for net0, net1, …
				entries
					.filter(([name]) => !name.includes('['))
					.map(([name, one]) => [name, asJsonSchema(one)])
			),
			required: entries.filter(([, one]) => !one.optional).map(([name]) => name)
		};
	}
	if (type === 'object') return { type: 'object' };
	if (type === 'integer')
		return { type: 'integer', ...(minimum === undefined ? {} : { minimum: Number(minimum) }) };
	if (type === 'number') return { type: 'number' };
	if (type === 'string')
		return { type: 'string', ...(Array.isArray(values) ? { enum: values } : {}) };
	return {};
}

describe.skipIf(!existsSync(file))("answers agree with Proxmox's own description", () => {
	// Read here as well when the tests are skipped.
	const { paths } = JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : '{"paths":{}}') as {
		paths: Record<string, Record<string, Described>>;
	};
	const ajv = new Ajv({ strict: false, allErrors: true });

	test('reads of every kind', async () => {
		await pve.runningContainer(201);
		await pve.task('POST', '/nodes/pve1/lxc/201/snapshot', { snapname: 'before' });
		await pve.task('POST', '/nodes/pve1/vzdump', { vmid: 201, storage: 'nfs-backup' });
		const upid = String(await pve.data('POST', '/nodes/pve1/lxc/201/status/reboot', {}));
		const values: Record<string, string> = {
			node: 'pve1',
			vmid: '201',
			storage: 'nfs-backup',
			upid: encodeURIComponent(upid),
			userid: 'erpcore@pve',
			tokenid: 'control',
			snapname: 'before'
		};
		const problems: string[] = [];
		let checked = 0;
		for (const [path, query] of [
			['/version', ''],
			['/cluster/status', ''],
			['/cluster/resources', ''],
			['/cluster/tasks', ''],
			['/nodes', ''],
			['/nodes/{node}/status', ''],
			['/nodes/{node}/version', ''],
			['/nodes/{node}/time', ''],
			['/nodes/{node}/network', ''],
			['/nodes/{node}/lxc', ''],
			['/nodes/{node}/lxc/{vmid}/config', ''],
			['/nodes/{node}/lxc/{vmid}/pending', ''],
			['/nodes/{node}/lxc/{vmid}/status/current', ''],
			['/nodes/{node}/lxc/{vmid}/interfaces', ''],
			['/nodes/{node}/lxc/{vmid}/snapshot', ''],
			['/nodes/{node}/lxc/{vmid}/migrate', ''],
			['/nodes/{node}/lxc/{vmid}/rrddata', '?timeframe=hour'],
			['/nodes/{node}/storage', ''],
			['/nodes/{node}/storage/{storage}/status', ''],
			['/nodes/{node}/storage/{storage}/content', ''],
			['/nodes/{node}/tasks', '?source=all'],
			['/nodes/{node}/tasks/{upid}/status', ''],
			['/nodes/{node}/tasks/{upid}/log', ''],
			['/access/permissions', ''],
			['/access/roles', ''],
			['/access/acl', ''],
			['/access/users/{userid}/token', ''],
			['/access/users/{userid}/token/{tokenid}', '']
		] as const) {
			const described = paths[path]?.GET;
			if (!described?.returns) {
				problems.push(`${path}: not described`);
				continue;
			}
			const answer = await pve.request(
				'GET',
				path.replace(/\{(\w+)\}/g, (_whole, name: string) => values[name]!) + query
			);
			const check = ajv.compile(asJsonSchema(described.returns));
			checked += 1;
			if (answer.status !== 200 || !check(answer.body?.data)) {
				problems.push(
					`${path}: ${answer.status} ${ajv.errorsText(check.errors)} ${answer.text.slice(0, 200)}`
				);
			}
		}
		expect(problems).toEqual([]);
		expect(checked).toBe(28);
	});

	test('every option that a configuration takes is one of the real ones', () => {
		const real = Object.keys(
			paths['/nodes/{node}/lxc/{vmid}/config']!.PUT!.parameters!.properties!
		).map((name) => name.replace('[n]', ''));
		expect(Object.keys(CONFIG_RULES).filter((name) => !real.includes(name))).toEqual([]);
	});
});
