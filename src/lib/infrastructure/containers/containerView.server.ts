import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { ContainerAct } from '#prisma/generated/client.ts';
import { haOfContainers, type HaView } from '../ha/haView.server.ts';
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
	/** The container that has its databases; null: they are inside. */
	database_server: z.object({ id: z.uuid(), hostname: z.string() }).nullable(),
	/** Name of the plan that it was made ahead for; the next instance takes it. */
	warm_plan: z.string().nullable(),
	/** What was asked of it and is not done. */
	act: z.object({ id: z.uuid(), act: z.string(), status: z.string() }).nullable(),
	/** Of a container with a second node, or that once had to go to one. */
	ha: z
		.object({
			/** ok, stopped, preparing, moving, fence, late, alone, nowhere, error, unknown */
			state: z.string(),
			/** The node that takes over; null: none does any more. */
			partner: z.object({ id: z.uuid(), name: z.string(), away: z.boolean() }).nullable(),
			/** Null: both nodes share the storage, and nothing is copied. */
			replication: z
				.object({
					/** Null: nothing was copied yet. */
					last_at: z.date().nullable(),
					/** Copies in a row that failed, with Proxmox's words of the last. */
					failures: z.number().int(),
					error: z.string().nullable()
				})
				.nullable(),
			/** When Proxmox was asked for all this. */
			seen_at: z.date().nullable(),
			last_failover: z
				.object({
					...{ id: z.uuid(), from: z.string(), to: z.string(), lost_at: z.date() },
					/** Null: its instances have not all been seen on the air again. */
					answered_at: z.date().nullable()
				})
				.nullable()
		})
		.nullable(),
	created_at: z.date()
});

type ContainerAnswer = z.input<typeof containerSchema>;

export async function containerViews(tx: Tx, rows: ContainerRow[]): Promise<ContainerAnswer[]> {
	const guarded = await haOfContainers(
		tx,
		rows.map(({ id }) => id)
	);
	return rows.map((row) => viewOf(row, guarded.get(row.id)));
}

function viewOf(row: ContainerRow, ha: HaView | undefined): ContainerAnswer {
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
		database_server: row.postgres && { id: row.postgres.id, hostname: row.postgres.hostname },
		warm_plan: row.warmPlan?.name ?? null,
		act: row.act,
		ha: ha ? haAnswer(ha) : null,
		created_at: row.createdAt
	};
}

function haAnswer(ha: HaView): ContainerAnswer['ha'] {
	const { partner, failovers } = ha;
	const [last] = failovers;
	return {
		state: ha.state,
		partner: partner && { id: partner.id, name: partner.name, away: partner.isAway },
		replication: ha.replicated
			? { last_at: ha.copiedAt, failures: ha.copyFails, error: ha.copyError }
			: null,
		seen_at: ha.seenAt,
		last_failover: last
			? {
					...{ id: last.id, from: last.from, to: last.to },
					...{ lost_at: last.lostAt, answered_at: last.answeredAt }
				}
			: null
	};
}

/** @throws {AppError} NOT_FOUND */
export async function oneContainer(tx: Tx, id: string): Promise<ContainerAnswer> {
	const [found] = await containerViews(tx, await containerRows(tx, [id]));
	if (!found) throw new AppError('NOT_FOUND');
	return found;
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
