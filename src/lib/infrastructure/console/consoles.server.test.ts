import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { accessChanged, revokeSessions } from '#lib/identity/sessions.server.ts';
import { rhythm } from '#lib/integrations/proxmox/terminal.server.ts';
import { createStaff, sessionFor } from '../../../../tests/factories/identity.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testConsoles } from '../../../../tests/setup/consoles.ts';
import { testConsoleWorld } from '../../../../tests/setup/consoleWorld.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { issueTicket, reapConsoles } from './consoleSessions.server.ts';

const { sandbox, pve, container, guest, operator, ASKED, asked } = await testConsoleWorld();
const consoles = await testConsoles();
const sandboxNode = pve.state.nodes.find(({ name }) => name === 'pve2')!;

beforeEach(async () => {
	guest.status = 'running';
	delete sandboxNode.version;
	rhythm.keepaliveMs = 30_000;
	sandbox.kernel.calls.clear();
	await db.node.updateMany({ data: { proxmoxVersion: '9.1.6', ...ASKED } });
	await db.consoleSession.deleteMany();
});

async function opened(on = consoles, user?: { id: string }) {
	const login = await asked(user);
	const screen = await on.open(login.cookie, login.ticket);
	await eventually(async () => screen.via);
	return { screen, ...login };
}

const onlySession = () => db.consoleSession.findFirstOrThrow();
const audited = (action: string) =>
	db.auditEntry.findFirst({
		where: { action: `infrastructure.console-${action}`, subjectId: container.id },
		orderBy: { at: 'desc' }
	});

describe('a ticket', () => {
	test('opens one console, once, for the login that asked', async () => {
		const { cookie, ticket } = await asked();
		const { ticketHash } = await onlySession();
		expect(ticketHash).not.toContain(ticket);
		expect(await consoles.status(cookie, `${ticket}x`)).toBe(401);
		// Another login of the same person, and another person.
		expect(await consoles.status((await sessionFor(operator)).cookie, ticket)).toBe(401);
		const other = await sessionFor(await createStaff('administrator'));
		expect(await consoles.status(other.cookie, ticket)).toBe(401);
		expect(await consoles.status(cookie, ticket, 'https://acme.sajet.us')).toBe(403);
		expect(await consoles.status('', ticket)).toBe(401);
		expect((await onlySession()).openedAt).toBeNull();

		const both = await Promise.all([
			consoles.status(cookie, ticket),
			consoles.status(cookie, ticket)
		]);
		expect(both.sort()).toEqual([101, 401]);
		expect(await consoles.status(cookie, ticket)).toBe(401);
	});

	test('is no good after thirty seconds, nor for who lost the permission', async () => {
		const late = await asked();
		await db.$executeRaw`UPDATE console_sessions SET expires_at = now() - interval '1 ms'`;
		expect(await consoles.status(late.cookie, late.ticket)).toBe(401);

		const support = await createStaff('support');
		const barred = await asked(support);
		expect(await consoles.status(barred.cookie, barred.ticket)).toBe(403);
	});

	test('is not given without end, nor for what is not there', async () => {
		const { auth } = await asked();
		const ask = (id: string) => transaction((tx) => issueTicket(tx, auth, id, '192.0.2.7'));
		await expect(ask(operator.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
		await expect(ask('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
		for (let tickets = 1; tickets < 10; tickets += 1) await ask(container.id);
		await expect(ask(container.id)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
	});
});

describe('a console', () => {
	test('shows what is typed and what comes of it, knows its size, and is in the audit log', async () => {
		rhythm.keepaliveMs = 20;
		const left = { containerId: container.id, status: 'deleted' as const };
		await db.tenant.update({ where: await createUnplacedTenant(db), data: left });
		const { screen } = await opened();
		expect(screen.via).toBe('termproxy');
		await screen.sees('root@acme:~# ');
		screen.type('stty size\r');
		await screen.sees('\r\n24 80\r\n');
		screen.say({ resize: { cols: 132, rows: 50 } });
		screen.type('stty size\r');
		await screen.sees('\r\n50 132\r\n');
		const word = 'ñandú 🦙';
		// A character in two frames, as a slow line brings it.
		const typed = Buffer.from(`echo ${word}\r`);
		screen.type(typed.subarray(0, 6));
		screen.type(typed.subarray(6));
		await screen.sees(`\r\n${word}\r\n`);
		expect(await audited('open')).toMatchObject({
			actorKind: 'staff',
			actorLabel: operator.email,
			customerId: container.tenant.customerId,
			ip: '127.0.0.1',
			after: { hostname: 'acme', vmid: guest.vmid, node: 'pve2', tenants: [container.tenant.slug] }
		});
		screen.type('exit\r');
		expect(await screen.ends()).toBe('exited');

		const end = await eventually(() => audited('end'));
		const bytesIn = 2 * 'stty size\r'.length + typed.length + 'exit\r'.length;
		expect(end).toMatchObject({
			customerId: container.tenant.customerId,
			after: { reason: 'exited', via: 'termproxy', bytesIn, bytesOut: screen.bytes }
		});
		expect(await onlySession()).toMatchObject({ endReason: 'exited', via: 'termproxy' });
		// Neither what was typed, nor any ticket, is anywhere.
		const call = await db.vendorCall.findFirstOrThrow({ where: { operation: 'lxc.termproxy' } });
		expect(call).toMatchObject({ status: 'succeeded', response: { ticket: '[removed]' } });
		expect(inspect([end, call, await onlySession()], { depth: 9 })).not.toMatch(/ñandú|PVEVNC/);
		const [socket] = sandbox.kernel.calls.list({ match: '^WS' });
		expect(JSON.parse(socket!.response!).keepalives).toBeGreaterThan(0);
	});

	test('brings a megabyte whole, waits for who reads slowly, and takes a long paste', async () => {
		const { screen } = await opened();
		await screen.sees('# ');
		screen.reads = false;
		const before = screen.bytes;
		screen.type('seq 1 150000\r');
		// As much as a reader may lag behind, and no more.
		await eventually(async () => screen.bytes > 256 * 1024);
		screen.type('whoami\r');
		const held = await eventually(async () => {
			const seen = screen.bytes;
			await new Promise((done) => setTimeout(done, 100));
			return seen === screen.bytes && seen;
		});
		expect(held).toBeLessThan(640 * 1024);
		screen.reads = true;
		screen.say({ taken: screen.bytes });
		await screen.sees('\r\n150000\r\nroot@acme:~# ');
		expect(screen.bytes - before).toBeGreaterThan(1024 * 1024);
		const lines = screen.text.match(/\r\n\d+(?=\r\n)/g)!;
		expect(lines).toHaveLength(150_000);

		const paste = 'á'.repeat(60_000);
		screen.type(`echo ${paste}\r`);
		await screen.sees(`\r\n${paste}\r\n`);
		screen.socket.close(1000);
		await eventually(async () => (await onlySession()).endReason === 'closed');
	});

	test('ends what does not speak its language', async () => {
		const { screen } = await opened();
		screen.say({ exec: 'rm' });
		expect(await screen.ends()).toBe('closed');
	});
});

describe('a console ends', () => {
	test('with its node', async () => {
		const { screen } = await opened();
		await screen.sees('# ');
		pve.setOnline('pve2', false);
		expect(await screen.ends()).toBe('lost');
		const { cookie, ticket } = await asked();
		const away = await consoles.open(cookie, ticket);
		expect(await away.ends()).toBe('unreachable');
		pve.setOnline('pve2', true);
		await eventually(async () => {
			const up = await asked();
			const again = await consoles.open(up.cookie, up.ticket);
			const seen = await eventually(async () => again.via ?? again.ended);
			again.socket.close();
			return seen !== 'unreachable';
		});
		expect((await audited('end'))?.after).toHaveProperty('reason');
	});

	test('when the login ends, and no other with it', async () => {
		const one = await opened();
		const two = await opened();
		await transaction((tx) => revokeSessions(tx, operator.id, two.id));
		expect(await one.screen.ends()).toBe('logged_out');
		two.screen.type('whoami\r');
		await two.screen.sees('\r\nroot\r\n');
		two.screen.socket.close();
	});

	test('when the permission is taken away', async () => {
		const person = await createStaff('operations');
		const { screen } = await opened(consoles, person);
		const finance = await db.role.findFirstOrThrow({ where: { kind: 'staff', key: 'finance' } });
		await db.user.update({ where: { id: person.id }, data: { staffRoleId: finance.id } });
		await transaction((tx) => accessChanged(tx, person.id));
		expect(await screen.ends()).toBe('forbidden');
	});

	test('when nobody types, when it has lasted long enough, and when this process ends', async () => {
		const idle = await testConsoles({ idleMs: 800 });
		const typing = await opened(idle);
		for (const key of 'abcd') {
			typing.screen.type(key);
			await new Promise((done) => setTimeout(done, 300));
		}
		expect(typing.screen.ended).toBeNull();
		expect(await typing.screen.ends()).toBe('idle');

		const long = await testConsoles({ longestMs: 300 });
		const { screen } = await opened(long);
		expect(await screen.ends()).toBe('too_long');

		const last = await testConsoles();
		const open = await opened(last);
		await last.stop();
		expect(await open.screen.ends()).toBe('restarting');
		expect(await audited('end')).toMatchObject({ after: { reason: 'restarting' } });
	});

	test('with the process that served it, once somebody looks', async () => {
		const { screen } = await opened();
		await reapConsoles();
		expect((await onlySession()).endedAt).toBeNull();
		await db.$executeRaw`UPDATE console_sessions
			SET opened_at = now() - interval '10 min', seen_at = now() - interval '5 min'`;
		await reapConsoles();
		await reapConsoles();
		expect(await onlySession()).toMatchObject({ endReason: 'vanished' });
		const ends = await db.auditEntry.findMany({
			where: {
				action: 'infrastructure.console-end',
				after: { path: ['reason'], equals: 'vanished' }
			}
		});
		// Counted until it was last heard of; what went through nobody knows.
		expect(ends).toMatchObject([{ after: { seconds: 300 } }]);
		expect(ends[0]!.after).not.toHaveProperty('bytesIn');
		screen.socket.terminate();
	});
});

describe('a node that is too old for tokens', () => {
	test('is entered over SSH, known to be old or not', async () => {
		sandboxNode.version = '8.4.1';
		for (const known of ['9.1.6', '8.4.1', null]) {
			await db.node.updateMany({ data: { proxmoxVersion: known } });
			sandbox.kernel.calls.clear();
			const { screen } = await opened();
			expect(screen.via).toBe('pct');
			await screen.sees('root@acme:~# ');
			screen.type('stty size\r');
			await screen.sees('\r\n24 80\r\n');
			screen.say({ resize: { cols: 100, rows: 30 } });
			screen.type('stty size\r');
			await screen.sees('\r\n30 100\r\n');
			screen.type('seq 1 150000\r');
			await screen.sees('\r\n150000\r\n');
			screen.type('exit\r');
			expect(await screen.ends()).toBe('exited');
			const asked = sandbox.kernel.calls.list({ match: 'POST .*termproxy' });
			expect(asked).toHaveLength(known === '8.4.1' ? 0 : 1);
		}
		const call = await db.vendorCall.findFirstOrThrow({ where: { operation: 'pct.enter' } });
		expect(call).toMatchObject({ vendor: 'ssh', status: 'succeeded', subjectId: container.id });
	});

	test('says so where this process has no key', async () => {
		await db.node.updateMany({ data: { proxmoxVersion: '8.4.1' } });
		const web = await testConsoles({ ssh: false });
		const { cookie, ticket } = await asked();
		expect(await (await web.open(cookie, ticket)).ends()).toBe('needs_worker');
	});
});

describe('what never opens says why', () => {
	test('a container that is stopped, another certificate, a token without the privilege', async () => {
		const why = async () => {
			const { cookie, ticket } = await asked();
			return (await consoles.open(cookie, ticket)).ends();
		};
		guest.status = 'stopped';
		expect(await why()).toBe('not_running');
		guest.status = 'running';

		const { apiFingerprint } = await db.node.findUniqueOrThrow({ where: { id: container.nodeId } });
		const at = { where: { id: container.nodeId } };
		const wrong = apiFingerprint.replace(/../, (digits) => (digits === '00' ? '01' : '00'));
		await db.node.update({ ...at, data: { apiFingerprint: wrong } });
		expect(await why()).toBe('untrusted');
		await db.node.update({ ...at, data: { apiFingerprint, ...ASKED } });

		const { acl } = pve.state;
		pve.state.acl = acl.map((entry) => ({ ...entry, role: 'PVEAuditor' }));
		expect(await why()).toBe('unauthorized');
		pve.state.acl = acl;
		expect((await eventually(() => audited('end')))?.after).toMatchObject({ via: null });
	});
});
