import nodemailer from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kernel } from '../kernel/kernel.ts';
import { mailDocument, startSmtp, type SmtpStandIn } from './server.ts';

const kernel = new Kernel({ dataDir: null, speed: 0 });
let smtp: SmtpStandIn;
beforeAll(async () => {
	smtp = await startSmtp(kernel, { port: 0 });
});
afterAll(() => smtp.close());

const send = (subject: string): Promise<{ response: string }> =>
	nodemailer.createTransport({ host: smtp.host, port: smtp.port, secure: false }).sendMail({
		from: 'Jeturing <no-reply@sajet.us>',
		to: 'ana@example.com',
		bcc: 'copia@example.com',
		subject,
		text: 'Hola: http://app.test/set?token=a',
		html: '<p>Ñandú <a href="http://app.test/set?token=a">aquí</a></p>',
		attachments: [{ filename: 'a.txt', content: 'abc' }]
	});

test('keeps what was sent, parsed', async () => {
	await send('Bienvenida señora');
	expect(mailDocument(kernel).get().mails).toMatchObject([
		{
			from: 'no-reply@sajet.us',
			to: ['ana@example.com', 'copia@example.com'],
			subject: 'Bienvenida señora',
			attachments: [{ name: 'a.txt', type: 'text/plain' }]
		}
	]);
	expect(mailDocument(kernel).get().mails[0]?.html).toContain('Ñandú');
	expect(kernel.calls.list({ vendor: 'smtp' })).toMatchObject([{ status: 250 }]);
});

test('faults: refused for now, swallowed, accepted but answered badly', async () => {
	const count = mailDocument(kernel).get().mails.length;
	kernel.faults.add({ target: 'smtp', kind: 'status', status: 451, match: 'refused' });
	await expect(send('refused')).rejects.toMatchObject({ responseCode: 451 });
	kernel.faults.add({ target: 'smtp', kind: 'drop', match: 'lost' });
	await expect(send('lost')).resolves.toHaveProperty('accepted');
	expect(mailDocument(kernel).get().mails).toHaveLength(count);
	kernel.faults.add({ target: 'smtp', kind: 'status', when: 'after' });
	await expect(send('doubtful')).rejects.toMatchObject({ responseCode: 451 });
	expect(mailDocument(kernel).get().mails).toHaveLength(count + 1);
});
