import { db, transaction } from '#lib/core/db.server.ts';
import { resolveSession } from '#lib/identity/sessions.server.ts';
import { issueTicket } from '#lib/infrastructure/console/consoleSessions.server.ts';
import { createStaff, sessionFor } from '../factories/identity.ts';
import { createUnplacedTenant } from '../factories/infrastructure.ts';
import { testContainers } from './containers.ts';

const VMID = 401;

/** A running container of one tenant, here and in the sandbox's Proxmox, and somebody who may have a console of it. */
export async function testConsoleWorld() {
	const { sandbox, pve } = await testContainers({ work: false });
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve2' } });
	const tenant = await createUnplacedTenant(db);
	const container = await db.container.create({
		data: {
			clusterId: node.clusterId,
			nodeId: node.id,
			vmid: VMID,
			hostname: 'acme',
			purpose: 'odoo',
			cpuCores: 2,
			ramMb: 4096,
			diskGb: 50,
			status: 'running'
		}
	});
	await db.tenant.update({ where: { id: tenant.id }, data: { containerId: container.id } });
	const guest = structuredClone(pve.state.containers[9018]!);
	delete guest.config.template;
	Object.assign(guest, { vmid: VMID, node: 'pve2', status: 'running' });
	guest.config.hostname = 'acme';
	pve.state.containers[VMID] = guest;
	const operator = await createStaff('operations');
	return {
		sandbox,
		pve,
		container: { ...container, tenant },
		/** The same as Proxmox has it. */
		guest,
		operator,
		/** Of a node that nothing keeps from being asked at once. */
		ASKED: { haltedAt: null, haltedReason: null, probedUntil: null },
		/** A login of this person, and a ticket for the container that it asked for. */
		asked: async (user: { id: string } = operator) => {
			const login = await sessionFor(user);
			const { auth } = (await resolveSession(login.token))!;
			const ticket = await transaction((tx) => issueTicket(tx, auth, container.id, '192.0.2.7'));
			return { ...login, auth, ticket };
		}
	};
}
