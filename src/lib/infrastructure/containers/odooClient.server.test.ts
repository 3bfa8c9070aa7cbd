import { expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { placeTenant, testContainers, type Placed } from '../../../../tests/setup/containers.ts';
import { ensureContainer } from './containers.server.ts';
import { odooIn } from './odooClient.server.ts';

const { pve } = await testContainers({ work: false });

async function made(): Promise<Placed> {
	const placed = await placeTenant();
	await expect
		.poll(async () => (await ensureContainer(placed.run, placed.place.containerId)).ready)
		.toBe(true);
	return placed;
}

it('an Odoo whose databases are in another container is asked for them there', async () => {
	const [odoo, server] = [(await made()).place, (await made()).place];
	await db.container.update({
		where: { id: server.containerId },
		data: { purpose: 'postgres', odooVersion: null }
	});
	await db.container.update({
		where: { id: odoo.containerId },
		data: { postgresContainerId: server.containerId, postgresRole: 'odoo_far' }
	});
	const guest = pve.guests.get(odoo.vmid)!;
	Object.assign(guest, { databases: {}, databaseHost: server.ip });
	const client = await odooIn(odoo.containerId, {});
	try {
		await client.duplicateTemplate('tpl_18_es', 'acme');
		await client.takeWriting('acme');
		expect(Object.keys(pve.guests.get(server.vmid)!.databases)).toContain('acme');
		expect(Object.keys(guest.databases)).toEqual([]);
		expect(await client.dropDatabase('acme')).toBe(true);
		expect(Object.keys(pve.guests.get(server.vmid)!.databases)).not.toContain('acme');
	} finally {
		await client.close();
	}
});
