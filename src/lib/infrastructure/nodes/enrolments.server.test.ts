import { createServer, type Server } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { DAY, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { fieldsOf, refusal, testEnrolment } from '../../../../tests/setup/enrolment.ts';
import { shownSchema } from './discovery.ts';
import { changedAccessForm } from './enrolmentForms.ts';
import {
	confirmFingerprints,
	discardEnrolment,
	findEnrolment,
	forgetOldEnrolments,
	lookAgain,
	reviseEnrolment
} from './enrolments.server.ts';
import { patience } from './fingerprints.server.ts';

const enrolment = await testEnrolment();
const { sandbox, pve, api, ssh, by, typed } = enrolment;
const { begin, confirmed, findings, finish, jeturing, overSsh, role } = enrolment;
const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

/** A server that is something else. @param says what it answers; null: nothing */
async function somethingElse(says: string | null): Promise<number> {
	const server = createServer((socket) => {
		socket.on('error', () => undefined);
		if (says !== null) socket.end(says);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	return typeof address === 'object' && address ? address.port : 0;
}

describe('before anybody has compared the fingerprints', () => {
	it('shows both as the servers have them, and sends nothing to either', async () => {
		const before = sandbox.kernel.calls.list({}).length;
		const draft = await begin();
		expect(draft).toMatchObject({
			apiFingerprint: api.fingerprint,
			sshHostKey: ssh.host_key,
			confirmedAt: null
		});
		expect(shownSchema.parse(draft.certificate)).toMatchObject({
			subject: expect.stringContaining('pve4'),
			keyType: 'ssh-ed25519',
			before: { api: null, ssh: null }
		});
		expect(draft.apiToken).not.toContain(api.token.split('=')[1]);
		expect(await refusal(lookAgain(draft.id))).toMatchObject({ code: 'WRONG_STATE' });
		expect(sandbox.kernel.calls.list({}).length).toBe(before);
		await transaction((tx) => discardEnrolment(tx, draft.id));
	});

	it('says beside the field what is not there, or is something else', async () => {
		patience.handshakeMs = 400;
		const plain = await somethingElse('HTTP/1.1 400 Bad Request\r\n\r\n');
		const mute = await somethingElse(null);
		const drafts = await db.nodeEnrolment.count();
		const at = (port: number) => ({ api_url: `https://127.0.0.1:${port}` });
		expect(await fieldsOf(begin(at(9)))).toEqual({ api_url: expect.stringMatching(/responda/) });
		expect(await fieldsOf(begin(at(plain)))).toEqual({ api_url: expect.stringMatching(/TLS/) });
		expect(await fieldsOf(begin(at(mute)))).toEqual({ api_url: expect.stringMatching(/calla/) });
		expect(await fieldsOf(begin({ api_url: 'https://nowhere.invalid' }))).toHaveProperty('api_url');
		for (const ssh_port of ['9', String(plain), String(mute)])
			expect(await fieldsOf(begin({ ssh_port }))).toEqual({ ssh_host: expect.any(String) });
		expect(Object.keys(await fieldsOf(begin({ ...at(9), ssh_port: '9' })))).toEqual([
			'api_url',
			'ssh_host'
		]);
		const { apiUrl } = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });
		expect((await fieldsOf(begin({ api_url: apiUrl })))?.api_url).toContain('pve1');
		expect(await db.nodeEnrolment.count()).toBe(drafts);
	});

	it('notices that a key is another than last time, and that the page was an old one', async () => {
		const draft = await begin();
		const shown = { apiFingerprint: draft.apiFingerprint!, sshHostKey: draft.sshHostKey! };
		await db.nodeEnrolment.update({
			where: { id: draft.id },
			data: { sshHostKey: 'SHA256:earlier', confirmedAt: new Date() }
		});
		await reviseEnrolment(draft.id, changedAccessForm.parse({ ...typed, api_token: '' }));
		const revised = await findEnrolment(db, draft.id);
		expect(revised.confirmedAt).toBeNull();
		expect(shownSchema.parse(revised.certificate).before).toEqual({
			api: null,
			ssh: 'SHA256:earlier'
		});
		const old = { ...shown, sshHostKey: 'SHA256:earlier' };
		expect(await refusal(confirmFingerprints(draft.id, old, by))).toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
		await transaction((tx) => discardEnrolment(tx, draft.id));
	});
});

describe('once they are confirmed', () => {
	it('finds what the node has, and a worker looks over SSH', async () => {
		const id = await confirmed();
		expect(await findings(id)).toMatchObject({
			version: '9.1.6',
			node: 'pve4',
			clusterName: 'jeturing',
			members: ['pve1', 'pve2', 'pve3', 'pve4'],
			clusterId: (await jeturing()).id,
			missing: [],
			capacity: { cpuCores: 16, ramMb: 65_536 },
			storages: expect.arrayContaining([
				expect.objectContaining({ name: 'ceph', shared: true, content: ['rootdir', 'images'] })
			]),
			bridges: [
				{ name: 'vmbr0', cidr: '10.10.20.1/24' },
				{ name: 'vmbr1', cidr: null }
			],
			guests: [
				expect.objectContaining({
					...{ vmid: 700, name: 'odoo-cafetal', ip: '10.10.20.240', markedAs: null },
					...{ rootVolume: 'local-lvm:vm-700-disk-0', cpuCores: 4, ramMb: 4096, diskGb: 40 }
				}),
				expect.objectContaining({ vmid: 701, name: 'correo', ip: null })
			],
			templates: [expect.objectContaining({ vmid: 9018, node: 'pve1' })]
		});
		expect(await overSsh(id)).toMatchObject({ ok: true, problem: null });
		// The token is in no recorded call.
		const calls = await db.vendorCall.findMany({ where: { subjectId: id } });
		expect(JSON.stringify(calls)).not.toContain(api.token.split('=')[1]);
		await transaction((tx) => discardEnrolment(tx, id));
	});

	it('says which privileges are missing, and asks for a word before going on without', async () => {
		await role('PVEVMUser');
		const id = await confirmed();
		const found = await findings(id);
		expect(found.missing).toContainEqual({ name: 'VM.Clone', path: '/vms' });
		expect(found.missing).not.toContainEqual({ name: 'VM.Console', path: '/vms' });
		expect(found).toMatchObject({ node: null, capacity: null });
		expect(await fieldsOf(finish(id))).toHaveProperty('cluster');
		await role('PVEAdmin');
		await lookAgain(id);
		expect((await findings(id)).missing).toEqual([]);
		await role('PVEAuditor');
		await overSsh(id);
		expect(await fieldsOf(finish(id))).toHaveProperty('accepted');
		await transaction((tx) => discardEnrolment(tx, id));
	});

	it('keeps why a look came to nothing: a wrong token, another certificate, a node that is away, no Proxmox', async () => {
		const wrong = api.token.replace(/.$/, (last) => (last === 'b' ? 'c' : 'b'));
		const id = await confirmed({ api_token: wrong });
		expect(await findEnrolment(db, id)).toMatchObject({ error: 'unauthorized', findings: null });
		await reviseEnrolment(id, changedAccessForm.parse(typed));
		// The fingerprints are the same: nobody compares them again.
		expect(await findEnrolment(db, id)).toMatchObject({
			error: null,
			confirmedAt: expect.any(Date)
		});
		sandbox.kernel.faults.add({
			target: 'proxmox',
			match: 'GET .*version',
			kind: 'malformed',
			times: 5
		});
		await lookAgain(id);
		expect(await findEnrolment(db, id)).toMatchObject({ error: 'no_proxmox' });
		sandbox.kernel.faults.clear();
		const other = sandbox.vendors.proxmox[0]!.fingerprint;
		await db.nodeEnrolment.update({ where: { id }, data: { apiFingerprint: other } });
		await lookAgain(id);
		expect(await findEnrolment(db, id)).toMatchObject({ error: 'untrusted' });
		await db.nodeEnrolment.update({ where: { id }, data: { apiFingerprint: api.fingerprint } });
		pve.setOnline('pve4', false);
		await lookAgain(id);
		expect(await findEnrolment(db, id)).toMatchObject({ error: 'unreachable' });
		expect(await overSsh(id)).toMatchObject({ ok: false, problem: 'unreachable' });
		await transaction((tx) => discardEnrolment(tx, id));
	});

	it('says what SSH lacks: the key, the right key, the command', async () => {
		const id = await confirmed({ ssh_user: 'somebody' });
		expect(await overSsh(id)).toMatchObject({
			ok: false,
			problem: 'refused',
			publicKey: expect.stringMatching(/^ssh-ed25519 /)
		});
		sandbox.kernel.faults.add({
			target: 'ssh',
			match: 'pct list',
			kind: 'status',
			body: 'not allowed'
		});
		await reviseEnrolment(id, changedAccessForm.parse({ ...typed, api_token: '' }));
		expect(await overSsh(id)).toMatchObject({ problem: 'command', detail: 'not allowed' });
		await transaction((tx) => discardEnrolment(tx, id));
	});
});

it('forgets drafts after a day, with their tokens', async () => {
	await db.nodeEnrolment.deleteMany();
	const { id } = await begin();
	await forgetOldEnrolments();
	expect(await findEnrolment(db, id)).toMatchObject({ id });
	setClockOffset(DAY + 60_000);
	await forgetOldEnrolments();
	expect(await refusal(findEnrolment(db, id))).toMatchObject({ code: 'NOT_FOUND' });
});
