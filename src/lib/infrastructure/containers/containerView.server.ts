import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { ContainerAct } from '#prisma/generated/client.ts';
import { resourcesView } from '../nodes/nodeView.server.ts';
import { actTrouble } from './actWords.ts';
import { containerRows, type ContainerRow } from './containerList.server.ts';

/** What the API says of a container. */
export const containerSchema = z.object({
	id: z.uuid(),
	vmid: z.number().int(),
	hostname: z.string(),
	cluster: z.string(),
	node: z.object({ id: z.uuid(), name: z.string() }),
	purpose: z.string(),
	/** provisioning, running, stopped, paused, error, deleted */
	status: z.string(),
	/** False once somebody asked to stop it. */
	wanted_running: z.boolean(),
	/** It was there before this system: its limits are not changed and it is not rolled back. */
	adopted: z.boolean(),
	odoo_version: z.string().nullable(),
	ip_address: z.string().nullable(),
	limits: z.object({ cpu_cores: z.number(), ram_mb: z.number(), disk_gb: z.number() }),
	/** Null: not measured within the last 15 minutes. */
	used: z
		.object({
			/** 0–1 of its cores. */
			cpu_fraction: z.number().nullable(),
			ram_mb: z.number().nullable(),
			disk_gb: z.number().nullable(),
			at: z.date()
		})
		.nullable(),
	/** Instances that fit in it. */
	slots: z.number().int(),
	tenants: z.array(z.object({ id: z.uuid(), subdomain: z.string() })),
	/** Name of the plan that it was made ahead for; the next instance takes it. */
	warm_plan: z.string().nullable(),
	/** What was asked of it and is not done. */
	act: z.object({ id: z.uuid(), act: z.string(), status: z.string() }).nullable(),
	created_at: z.date()
});

export function containerView(row: ContainerRow): z.input<typeof containerSchema> {
	const { use } = row;
	return {
		...{ id: row.id, vmid: row.vmid, hostname: row.hostname },
		cluster: row.node.cluster.name,
		node: { id: row.node.id, name: row.node.name },
		...{ purpose: row.purpose, status: row.status, adopted: row.adopted },
		...{ wanted_running: row.wantedRunning, odoo_version: row.odooVersion },
		ip_address: row.ipAddress,
		limits: resourcesView(row),
		used: use && {
			...{ cpu_fraction: use.cpuFraction, ram_mb: use.ramMb, disk_gb: use.diskGb, at: use.at }
		},
		slots: row.slots,
		tenants: row.tenants.map(({ id, slug }) => ({ id, subdomain: slug })),
		warm_plan: row.warmPlan?.name ?? null,
		act: row.act,
		created_at: row.createdAt
	};
}

/** @throws {AppError} NOT_FOUND */
export async function oneContainer(tx: Tx, id: string): Promise<z.input<typeof containerSchema>> {
	const [row] = await containerRows(tx, [id]);
	if (!row) throw new AppError('NOT_FOUND');
	return containerView(row);
}

/** Something that was asked of a container. */
export const actSchema = z.object({
	id: z.uuid(),
	container_id: z.uuid(),
	act: z.string(),
	params: z.record(z.string(), z.unknown()),
	/** queued, running, succeeded, failed */
	status: z.string(),
	/** Why it waits or has failed. */
	error: z.object({ message: z.string(), technical: z.string().nullable() }).nullable(),
	/** UPID of its Proxmox task, the last of several. */
	task: z.string().nullable(),
	requested_by: z.string(),
	created_at: z.date(),
	started_at: z.date().nullable(),
	finished_at: z.date().nullable()
});

export function actView(act: ContainerAct): z.input<typeof actSchema> {
	const trouble = act.error === null ? null : actTrouble(act.error);
	return {
		...{ id: act.id, container_id: act.containerId, act: act.act, status: act.status },
		params: paramsOf(act.params),
		error: trouble && { message: trouble.sentence, technical: trouble.technical },
		...{ task: act.taskUpid, requested_by: act.byLabel, created_at: act.createdAt },
		...{ started_at: act.startedAt, finished_at: act.finishedAt }
	};
}

function paramsOf(params: unknown): Record<string, unknown> {
	return typeof params === 'object' && params !== null ? { ...params } : {};
}
