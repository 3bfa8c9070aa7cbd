import { decodeBase32IgnorePadding } from '@oslojs/encoding';
import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import '#lib/notifications/jobs.server.ts';
import {
	PASSWORD,
	codeOf,
	createMember,
	createStaff,
	sessionFor
} from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { testSandbox } from '../../../tests/setup/sandbox.ts';
import { type Mail, mailDocument } from '../../sandbox/smtp/server.ts';
import { changePassword, setPasswordByLink, stepUp } from './account.server.ts';
import { createApiToken } from './apiTokens.server.ts';
import './jobs.server.ts';
import { changeEmail, endSessions } from './people.server.ts';
import { resolveSession } from './sessions.server.ts';
import { beginTotp, disableTotp, enableTotp, renewRecoveryCodes } from './totp.server.ts';
import { issueUserToken } from './userTokens.server.ts';

await testDatabase();
const sandbox = await testSandbox();
await testQueue({ work: true });

const NEXT = 'perro azul come 17 tejas';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
let visits = 0;
/** Another request from another address each time. */
const visit = () => ({ ip: `203.0.113.${++visits}`, userAgent: FIREFOX, requestId: `r${visits}` });

async function somebody(locale = 'es') {
	const member = await createMember('owner', undefined, { locale, fullName: 'Ana Vera' });
	const resolved = await resolveSession((await sessionFor(member)).token);
	if (!resolved) throw new Error('no session');
	return { auth: resolved.auth, userId: member.id, email: member.email, member };
}

async function staffAuth(role: Parameters<typeof createStaff>[0] = 'administrator') {
	const resolved = await resolveSession((await sessionFor(await createStaff(role))).token);
	if (!resolved) throw new Error('no session');
	return resolved.auth;
}

const mailsTo = (address: string): Mail[] =>
	mailDocument(sandbox.kernel)
		.get()
		.mails.filter(({ to }) => to.includes(address));

/** The mail with this subject, once the server has it. */
const mailed = (address: string, subject: string): Promise<Mail> =>
	eventually(async () => mailsTo(address).find((mail) => mail.subject === subject));

describe('the owner of an account is told by mail', () => {
	it('of a changed password: what, from where, and what to do, in the own language', async () => {
		for (const [locale, subject, advice] of [
			['es', 'Su contraseña cambió', 'Si no fue usted, cambie su contraseña'],
			['en', 'Your password was changed', 'If it was not you, change your password']
		] as const) {
			const { auth, email } = await somebody(locale);
			const from = visit();
			await changePassword(auth, PASSWORD, NEXT, from);
			const mail = await mailed(email, subject);
			for (const part of [mail.text, mail.html]) {
				expect(part).toContain(email);
				expect(part).toContain(from.ip);
				expect(part).toContain('Firefox · Linux');
				expect(part).toContain(String(new Date().getFullYear()));
				expect(part).toContain(advice);
				expect(part).toContain('http://localhost:4443/reset');
			}
		}
	});

	it('of a password that was reset, and not of the first one', async () => {
		const { userId, email } = await somebody();
		const { token } = await issueUserToken(db, userId, 'reset_password');
		await setPasswordByLink(token, NEXT, visit());
		await mailed(email, 'Su contraseña se restableció');

		const newcomer = await createMember('owner', undefined, { password: false });
		const first = await issueUserToken(db, newcomer.id, 'set_password');
		await setPasswordByLink(first.token, NEXT, visit());
		expect(await db.emailMessage.count({ where: { userId: newcomer.id } })).toBe(0);
	});

	it('of the second factor and its recovery codes', async () => {
		const { auth, userId, email } = await somebody();
		const key = decodeBase32IgnorePadding((await beginTotp(auth)).key);
		const [code = ''] = await transaction((tx) => enableTotp(tx, auth, codeOf(key, -1), visit()));
		await mailed(email, 'Segundo factor activado');

		await stepUp(auth, codeOf(key), visit());
		const from = visit();
		await stepUp(auth, code, from);
		const used = await mailed(email, 'Se usó un código de recuperación');
		expect(used.text).toContain('Le quedan: 9.');
		expect(used.text).toContain(from.ip);
		await expect(stepUp(auth, code, visit())).rejects.toMatchObject({ code: 'BAD_SECOND_FACTOR' });

		await transaction((tx) => renewRecoveryCodes(tx, auth, visit()));
		await mailed(email, 'Códigos de recuperación nuevos');
		await transaction((tx) => disableTotp(tx, auth, visit()));
		await transaction((tx) => disableTotp(tx, auth, visit()));
		await mailed(email, 'Segundo factor desactivado');
		const told = await db.emailMessage.findMany({ where: { userId } });
		// A right code of the application is no news, a code refused neither, and nothing is said twice.
		expect(told).toHaveLength(4);
		expect(JSON.stringify(told)).not.toContain(code);
	});

	it('of an API token that was made, and where', async () => {
		const { userId, email, member } = await somebody('en');
		const token = {
			...{ userId, customerId: member.customerId, scopes: ['*'], expiresAt: null, by: SYSTEM }
		};
		const made = await transaction((tx) =>
			createApiToken(tx, { ...token, name: 'Bodega <7>', from: visit() })
		);
		const mail = await mailed(email, 'An API token was made');
		expect(mail.text).toContain('“Bodega <7>”');
		expect(mail.html).toContain('Bodega &lt;7>');
		expect(`${mail.text}${mail.html}`).not.toContain(made.token);
		await transaction((tx) => createApiToken(tx, { ...token, name: 'CI', from: 'console' }));
		const second = await eventually(async () =>
			mailsTo(email).find(({ text }) => text.includes('“CI”'))
		);
		expect(second.text).toContain("console of the platform's server");
	});

	it('of sessions that staff ended, without naming whom', async () => {
		const { userId, email } = await somebody();
		const by = await staffAuth();
		const ended = await transaction((tx) => endSessions(tx, userId, by, visit()));
		expect(ended).toBe(1);
		const mail = await mailed(email, 'Sus sesiones se cerraron');
		expect(mail.text).toContain('nuestro equipo');
		expect(mail.text).not.toContain(by.user.email);
		expect(await transaction((tx) => endSessions(tx, userId, by, visit()))).toBe(0);
		expect(await db.emailMessage.count({ where: { userId } })).toBe(1);
	});

	it('of a new address, at the old one and at the new one', async () => {
		const { userId, email } = await somebody();
		const link = await issueUserToken(db, userId, 'reset_password');
		const next = `nueva-${email}`;
		const by = await staffAuth();
		await transaction((tx) => changeEmail(tx, userId, next.toUpperCase(), by, visit()));
		for (const address of [email, next]) {
			const mail = await mailed(address, 'El correo de su cuenta cambió');
			expect(mail.text).toContain(next);
			expect(mail.text).toContain('ventas@');
			expect(mail.text).not.toContain('/reset');
		}
		await expect(setPasswordByLink(link.token, NEXT, visit())).rejects.toMatchObject({
			code: 'LINK_EXPIRED'
		});
		const taken = (await somebody()).email;
		await expect(
			transaction((tx) => changeEmail(tx, userId, taken, by, visit()))
		).rejects.toMatchObject({ code: 'BAD_INPUT', fields: { email: expect.any(String) } });
		const staff = await createStaff('finance');
		const operations = await staffAuth('operations');
		await expect(
			transaction((tx) => changeEmail(tx, staff.id, 'x@example.com', operations, visit()))
		).rejects.toMatchObject({ code: 'FORBIDDEN' });
	});
});

describe('the mail about an act', () => {
	it('does not exist when the act did not commit', async () => {
		const { auth, userId } = await somebody();
		await expect(
			transaction(async (tx) => {
				await renewRecoveryCodes(tx, auth, visit());
				throw new Error('not after all');
			})
		).rejects.toThrow('not after all');
		expect(await db.emailMessage.count({ where: { userId } })).toBe(0);
	});

	it('is sent again when the server was busy, and arrives once', async () => {
		sandbox.kernel.faults.add({ target: 'smtp', kind: 'status', status: 451, match: 'busy-' });
		const member = await createMember('owner', undefined, {
			email: `busy-${Date.now()}@example.com`
		});
		const resolved = await resolveSession((await sessionFor(member)).token);
		await changePassword(resolved!.auth, PASSWORD, NEXT, visit());
		await mailed(member.email, 'Su contraseña cambió');
		const row = await eventually(() =>
			db.emailMessage.findFirst({ where: { userId: member.id, status: 'sent' } })
		);
		expect(row.attempts).toBe(2);
		expect(mailsTo(member.email)).toHaveLength(1);
	});
});
