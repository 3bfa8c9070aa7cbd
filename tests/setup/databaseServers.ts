import { db, transaction } from '#lib/core/db.server.ts';
import { requestServer } from '#lib/infrastructure/postgres/requestServer.server.ts';
import { serverForm, type ServerInput } from '#lib/infrastructure/postgres/serverForms.ts';
import { requestBuild } from '#lib/infrastructure/templates/requestBuild.server.ts';
import { makeCurrent } from '#lib/infrastructure/templates/templates.server.ts';
import type { Cluster } from '../../src/sandbox/proxmox/cluster.ts';
import { input, staff } from './templates.ts';
import { eventually } from './queue.ts';

/** What the form would give for a server of databases on pve1. */
export async function wish(changes: Record<string, string> = {}): Promise<ServerInput> {
	const node = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
	return serverForm.parse({
		...{ node_id: node.id, name: 'pg-1', disk_gb: '20' },
		image: 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst',
		...changes
	});
}

/** Asks for a server of databases; its container's id. */
export async function askForServer(changes: Record<string, string> = {}): Promise<string> {
	const wanted = await wish(changes);
	return transaction((tx) => requestServer(tx, wanted, staff));
}

/** The container once the run that makes it has come to that. */
export function made(id: string, status: 'succeeded' | 'failed' | 'compensated') {
	return eventually(async () => {
		const container = () => db.container.findUniqueOrThrow({ where: { id } });
		const { createdByJobId } = await container();
		const run = await db.provisioningJob.findUniqueOrThrow({ where: { id: createdByJobId! } });
		return run.status === status && container();
	}, 60);
}

/** A template without PostgreSQL, ready for being made current; its id. */
export async function odooOnly(): Promise<string> {
	const wanted = await input({ kind: 'odoo_only' });
	const id = await transaction((tx) => requestBuild(tx, wanted, staff));
	await eventually(
		async () => (await db.template.findUniqueOrThrow({ where: { id } })).status === 'ready',
		60
	);
	return id;
}

/** From now on new containers are copied from it. */
export function choose(id: string): Promise<void> {
	return transaction((tx) => makeCurrent(tx, id, staff));
}

/** What a server has: its roles, and its databases by owner. */
export function onServer(cluster: Cluster, vmid: number) {
	const { server, databases = {} } = cluster.guests.get(vmid) ?? {};
	const owned = (role: string | null) =>
		Object.values(databases)
			.filter(({ owner }) => owner === role)
			.map(({ name }) => name)
			.sort();
	return { roles: Object.keys(server?.roles ?? {}), owned, all: Object.keys(databases) };
}
