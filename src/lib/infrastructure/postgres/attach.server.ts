import { decrypt, encrypt, randomPassword } from '#lib/core/crypto.server.ts';
import { now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { databaseRoles } from '#lib/integrations/odoo/roles.server.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import type { Target } from '../containers/guests.server.ts';
import { waiting, type ContainerProgress, type Run } from '../containers/progress.ts';
import { runSetup } from '../containers/setupRun.server.ts';
import { recorderOf, type Trace } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { passwordContext, roleFor, templateSuffix } from './names.ts';

/** What setup_odoo_lxc is told of a server: the networks that Odoo's containers have their addresses in may connect. */
export async function serverOptions(clusterId: string): Promise<string[]> {
	const pools = await db.addressPool.findMany({
		where: { clusterId },
		select: { network: true },
		orderBy: { name: 'asc' }
	});
	return ['--kind', 'postgres', '--network', pools.map(({ network }) => network).join(',')];
}

/**
 * Gives the Odoo of a container that was just made its role on the server that its row names, and its template databases
 * there: nothing of it is in the copy. May run any number of times.
 * @returns why it has to wait; null when it has its databases, or has them inside
 * @throws {VendorError} what a step of setup_odoo_lxc said
 */
export async function attachDatabases(
	run: Run,
	target: Target
): Promise<Extract<ContainerProgress, { ready: false }> | null> {
	const { postgres, odooVersion, secret } = await attachment(target.id);
	if (!postgres || secret?.attachedAt) return null;
	if (postgres.status !== 'running') return waiting('database_server', 20, target);
	const password = await passwordOf(run, target.id);
	const role = roleFor(target.id);
	const topic = `container:${target.id}`;
	try {
		const server = await sshOn(postgres.nodeId);
		try {
			const { vmid } = postgres;
			const options = await serverOptions(target.clusterId);
			// Its networks may be more since it was made.
			await runSetup(run, server.client, { vmid, step: 'postgresql', options, topic });
			const wanted = ['--kind', 'postgres', '--role', role];
			await runSetup(run, server.client, { vmid, step: 'role', options: wanted, password, topic });
		} finally {
			server.release();
		}
	} catch (error) {
		if (!(error instanceof SshError) || !isAway(error)) throw error;
		return waiting('database_server', 20, target);
	}
	const version = String(Number.parseInt(odooVersion ?? '', 10));
	const where = ['--postgres', postgres.ipAddress!, '--role', role];
	const options = ['--version', version, '--kind', 'odoo_only', ...where];
	const own = await sshOn(target.nodeId);
	try {
		const { vmid } = target;
		await runSetup(run, own.client, { vmid, step: 'role', options, password, topic });
		for (const step of ['config', 'service'])
			await runSetup(run, own.client, { vmid, step, options, topic });
		const named = [...options, '--suffix', templateSuffix(target.id)];
		await runSetup(run, own.client, { vmid, step: 'databases', options: named, topic });
	} finally {
		own.release();
	}
	await run.write((tx) =>
		tx.containerSecret.update({ where: { containerId: target.id }, data: { attachedAt: now() } })
	);
	return null;
}

function isAway({ kind }: SshError): boolean {
	return kind === 'unreachable' || kind === 'not_running';
}

function attachment(id: string) {
	return db.container.findUniqueOrThrow({
		where: { id },
		select: {
			...{ odooVersion: true, postgresRole: true, secret: true },
			postgres: { select: { vmid: true, nodeId: true, ipAddress: true, status: true } }
		}
	});
}

/** Made up once, and stored before the server hears of it. */
async function passwordOf(run: Run, id: string): Promise<string> {
	const { secret } = await attachment(id);
	if (secret) return decrypt(secret.postgresPassword, passwordContext(id));
	const password = randomPassword(32);
	await run.write(async (tx) => {
		const postgresPassword = encrypt(password, passwordContext(id));
		await tx.containerSecret.create({ data: { containerId: id, postgresPassword } });
		await tx.container.update({ where: { id }, data: { postgresRole: roleFor(id) } });
	});
	return password;
}

/**
 * Takes the role of a container's Odoo, and every database that it has left, off the server, once the container itself is
 * gone. Does nothing where there never was one. May run any number of times.
 * @throws {VendorError} retryable while the server is away
 */
export async function detachDatabases(
	run: { trace: Trace; write: (work: (tx: Tx) => Promise<unknown>) => Promise<unknown> },
	id: string
): Promise<void> {
	const { postgres, postgresRole, secret } = await attachment(id);
	if (!secret || !postgresRole) return;
	if (postgres && postgres.status !== 'deleted') {
		const server = await sshOn(postgres.nodeId);
		try {
			const exec = server.client.inside(postgres.vmid);
			await databaseRoles(exec, recorderOf(run.trace)).drop(postgresRole);
		} finally {
			server.release();
		}
	}
	await run.write((tx) => tx.containerSecret.deleteMany({ where: { containerId: id } }));
}
