import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import '#lib/notifications/jobs.server.ts';
import {
	PASSWORD,
	createMember,
	createStaff,
	sessionFor
} from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import {
	changePassword,
	openPasswordLink,
	requestReset,
	setPasswordByLink,
	stepUp,
	stepUpAsksFor
} from './account.server.ts';
import './jobs.server.ts';
import { login } from './login.server.ts';
import { resolveSession } from './sessions.server.ts';
import { issueUserToken } from './userTokens.server.ts';

await testDatabase();
const mails = await mailServer();
process.env.SMTP_URL = mails.url;
await testQueue({ work: true });

const NEXT = 'perro azul come 17 tejas';
let addresses = 0;
const visitor = () => ({ ip: `10.1.0.${++addresses}`, userAgent: null, requestId: 'r' });

async function authOf(user: { id: string; customerId?: string }) {
	const resolved = await resolveSession((await sessionFor(user, { stepUp: false })).token);
	if (!resolved) throw new Error('no session');
	return resolved.auth;
}

describe('a forgotten password', () => {
	it('is set anew by a mailed link that works once and is nowhere stored', async () => {
		const member = await createMember('owner', undefined, {
			locale: 'en',
			fullName: 'Ana <b>Pérez</b>'
		});
		const { token } = await sessionFor(member);
		await requestReset(member.email.toUpperCase(), visitor());
		const mail = await eventually(async () =>
			mails.received.find((text) => text.includes(member.email))
		);
		const link =
			/http:\/\/localhost:4443\/reset\/([a-z0-9]{24}\.[a-z0-9]{24})/.exec(
				mail.replace(/=\r?\n/g, '')
			)?.[1] ?? '';
		expect(mail).toContain('Subject: Change your password');
		expect(mail.split('text/html')[1]).toContain('Ana &lt;b>');
		const row = await eventually(() =>
			db.emailMessage.findFirst({ where: { userId: member.id, status: 'sent' } })
		);
		expect(JSON.stringify(row)).not.toContain(link);
		const call = await db.vendorCall.findFirstOrThrow({
			where: { vendor: 'mail', subjectId: row.id }
		});
		expect(call.status).toBe('succeeded');
		expect(JSON.stringify(call)).not.toContain(link.split('.')[1]);

		expect(await openPasswordLink(link, visitor())).toEqual({
			email: member.email,
			side: 'tenant',
			first: false
		});
		await expect(setPasswordByLink(link, 'corta', visitor())).rejects.toMatchObject({
			code: 'BAD_INPUT',
			fields: { password: expect.any(String) }
		});
		await setPasswordByLink(link, NEXT, visitor());
		await expect(setPasswordByLink(link, NEXT, visitor())).rejects.toMatchObject({
			code: 'LINK_EXPIRED'
		});
		expect(await resolveSession(token)).toBeNull();
		await expect(
			login({ email: member.email, password: PASSWORD, role: 'tenant' }, visitor())
		).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
		expect(
			(await login({ email: member.email, password: NEXT, role: 'tenant' }, visitor())).user.id
		).toBe(member.id);
	});

	it('sends nothing to an address that nobody has, and says the same', async () => {
		await expect(requestReset('nobody@example.com', visitor())).resolves.toBeUndefined();
		const known = await createMember();
		await requestReset(known.email, visitor());
		await eventually(async () => mails.received.find((text) => text.includes(known.email)));
		expect(await db.emailMessage.count({ where: { toAddress: 'nobody@example.com' } })).toBe(0);
	});

	it('limits the mails that one address can ask for', async () => {
		const ask = () => requestReset('flood@example.com', visitor());
		await ask();
		await ask();
		await ask();
		await expect(ask()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
	});

	it('refuses a link that is too old, of another purpose, or made up', async () => {
		const member = await createMember();
		const old = await issueUserToken(db, member.id, 'set_password');
		await db.userToken.updateMany({
			where: { userId: member.id },
			data: { expiresAt: new Date(Date.now() - 1) }
		});
		const other = await issueUserToken(db, member.id, 'second_factor');
		for (const token of [
			old.token,
			other.token,
			'x.y',
			`${other.token.split('.')[0]}.${'a'.repeat(24)}`
		]) {
			await expect(openPasswordLink(token, visitor())).rejects.toMatchObject({
				code: 'LINK_EXPIRED'
			});
		}
	});
});

describe('the own account', () => {
	it('changes its password knowing the old one, and keeps this session alone', async () => {
		const member = await createMember();
		const other = await sessionFor(member);
		const auth = await authOf(member);
		await expect(changePassword(auth, 'wrong', NEXT, visitor())).rejects.toMatchObject({
			fields: { current: expect.any(String) }
		});
		await expect(changePassword(auth, PASSWORD, 'password1234', visitor())).rejects.toMatchObject({
			fields: { password: expect.any(String) }
		});
		await changePassword(auth, PASSWORD, NEXT, visitor());
		expect(await resolveSession(other.token)).toBeNull();
		expect(await db.session.count({ where: { userId: member.id } })).toBe(1);
	});

	it('steps up by password, or by code where there is a second factor', async () => {
		const member = await authOf(await createMember());
		expect(await stepUpAsksFor(member)).toBe('password');
		await expect(stepUp(member, 'wrong', visitor())).rejects.toMatchObject({
			code: 'BAD_CREDENTIALS'
		});
		await stepUp(member, PASSWORD, visitor());
		expect(
			(await db.session.findUniqueOrThrow({ where: { id: member.session?.id ?? '' } })).stepUpAt
		).not.toBeNull();
		const staff = await authOf(await createStaff());
		expect(await stepUpAsksFor(staff)).toBe('code');
		await expect(stepUp(staff, PASSWORD, visitor())).rejects.toMatchObject({
			code: 'BAD_SECOND_FACTOR'
		});
	});
});

/** The few words of SMTP that take a mail. */
async function mailServer(): Promise<{ url: string; received: string[] }> {
	const received: string[] = [];
	const server = createServer((socket: Socket) => {
		let text = '';
		let inData = false;
		socket.write('220 tests\r\n');
		socket.on('data', (chunk) => {
			text += chunk.toString();
			for (;;) {
				const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n');
				if (end < 0) return;
				const line = text.slice(0, end);
				text = text.slice(end + (inData ? 5 : 2));
				if (inData) received.push(line);
				const starts = !inData && /^DATA$/i.test(line);
				inData = starts;
				socket.write(starts ? '354 go on\r\n' : '250 ok\r\n');
			}
		});
		socket.on('error', () => undefined);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	server.unref();
	const { port } = server.address() as AddressInfo;
	return { url: `smtp://127.0.0.1:${port}`, received };
}
