import { beforeEach } from 'vitest';
import { setClockOffset } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { findingsSchema, sshFindingsSchema } from '#lib/infrastructure/nodes/discovery.ts';
import { finishEnrolment } from '#lib/infrastructure/nodes/enrolmentFinish.server.ts';
import { accessForm, finishForm, type Decision } from '#lib/infrastructure/nodes/enrolmentForms.ts';
import {
	beginEnrolment,
	confirmFingerprints,
	findEnrolment
} from '#lib/infrastructure/nodes/enrolments.server.ts';
import { patience } from '#lib/infrastructure/nodes/fingerprints.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { clusterOf } from '../../src/sandbox/proxmox/cluster.ts';
import type { ProxmoxNodeAccess } from '../../src/sandbox/proxmox/server.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { SshAccess } from '../../src/sandbox/ssh/server.ts';
import { createStaff } from '../factories/identity.ts';
import { testPlatform } from './platform.ts';
import { eventually } from './queue.ts';

/** A fourth node joins the sandbox's cluster. @returns how to reach it */
export async function joinNode(
	sandbox: Sandbox
): Promise<{ proxmox: ProxmoxNodeAccess; ssh: SshAccess }> {
	const answer = await fetch(`${sandbox.url}/__sandbox/proxmox/nodes`, { method: 'POST' });
	return (await answer.json()) as { proxmox: ProxmoxNodeAccess; ssh: SshAccess };
}

/** The refusal in what must be refused. */
export function refusal(promise: Promise<unknown>): Promise<AppError> {
	return promise.then(
		() => Promise.reject(new Error('it was not refused')),
		(error: unknown) => (error instanceof AppError ? error : Promise.reject(error))
	);
}

/** What a refusal says beside which field. */
export async function fieldsOf(promise: Promise<unknown>): Promise<Record<string, string>> {
	return (await refusal(promise)).fields ?? {};
}

/** The platform with three nodes, and a fourth that somebody is about to enrol. */
export async function testEnrolment() {
	const { sandbox } = await testPlatform();
	const pve = clusterOf(sandbox.kernel);
	const { proxmox: api, ssh } = await joinNode(sandbox);
	const staff = await createStaff();
	const by: Actor = { kind: 'staff', id: staff.id, label: 'staff@example.com' };
	const typed = {
		...{ api_url: api.url, api_token: api.token },
		...{ ssh_host: ssh.host, ssh_port: String(ssh.port), ssh_user: 'root' }
	};
	const begin = (other: object = {}) =>
		beginEnrolment(accessForm.parse({ ...typed, ...other }), by);
	/** What the token may do, by the name of a role. */
	const role = (name: string) =>
		fetch(`${sandbox.url}/__sandbox/proxmox/roles`, {
			method: 'POST',
			body: JSON.stringify({ ugid: 'erpcore@pve!control', role: name, path: '/' })
		});
	const jeturing = () => db.cluster.findUniqueOrThrow({ where: { name: 'jeturing' } });
	beforeEach(async () => {
		patience.handshakeMs = 2_000;
		setClockOffset(0);
		sandbox.kernel.faults.clear();
		for (const { name } of pve.state.nodes) pve.setOnline(name, true);
		await role('ERPCore');
	});
	return {
		...{ sandbox, pve, api, ssh, by, typed, begin, role, jeturing },
		/** A draft whose fingerprints somebody has compared. */
		confirmed: async (other: object = {}): Promise<string> => {
			const { id, apiFingerprint, sshHostKey } = await begin(other);
			const shown = { apiFingerprint: apiFingerprint!, sshHostKey: sshHostKey! };
			await confirmFingerprints(id, shown, by);
			return id;
		},
		findings: async (id: string) => findingsSchema.parse((await findEnrolment(db, id)).findings),
		/** What the worker found, once it has looked. */
		overSsh: (id: string) =>
			eventually(async () => {
				const { sshFindings } = await findEnrolment(db, id);
				return sshFindings === null ? null : sshFindingsSchema.parse(sshFindings);
			}),
		/** The last step, into the cluster that is there unless `place` says otherwise. */
		finish: async (id: string, place: object = {}, decisions: [number, Decision][] = []) => {
			const guests = decisions.map(([vmid, decision]) => [`guest_${vmid}`, decision]);
			const input = { cluster: (await jeturing()).id, ...Object.fromEntries(guests), ...place };
			return finishEnrolment(id, finishForm.parse(input), by);
		}
	};
}
