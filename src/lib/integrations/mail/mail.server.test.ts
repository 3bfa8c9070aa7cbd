import { type AddressInfo, type Socket, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { RecordedCall } from '../record.ts';
import { mailClient } from './mail.server.ts';

const MAIL = {
	to: 'ana@example.com',
	subject: 'Hola',
	html: '<p>Hola</p>',
	text: 'secreto',
	messageId: 'm-1@example.com',
	language: 'es'
};

/** A server that answers each line by the first pattern that fits; a mail's text by `data`. */
async function smtp(answers: [RegExp, string][], data = '250 queued'): Promise<string> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		let inData = false;
		socket.on('error', () => undefined);
		socket.write('220 tests\r\n');
		socket.on('data', (chunk) => {
			const text = chunk.toString();
			if (inData && !text.endsWith('\r\n.\r\n')) return;
			const found = inData
				? data
				: (answers.find(([pattern]) => pattern.test(text))?.[1] ?? '250 ok');
			inData = !inData && found.startsWith('354');
			if (found === 'hang up') socket.destroy();
			else socket.write(`${found}\r\n`);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(url: string) {
	const calls: RecordedCall[] = [];
	const made = mailClient({ url, from: 'ERP <erp@example.com>' }, (call, send) => {
		calls.push(call);
		return send();
	});
	onTestFinished(() => made.close());
	return { made, calls };
}

it('sends, and records to whom and about what but never the text', async () => {
	const { made, calls } = client(await smtp([[/^DATA/, '354 go on']]));
	expect(await made.send(MAIL)).toMatchObject({
		messageId: '<m-1@example.com>',
		response: '250 queued'
	});
	expect(calls).toEqual([
		{
			vendor: 'mail',
			operation: 'mail.send',
			key: 'm-1@example.com',
			request: { to: MAIL.to, subject: MAIL.subject },
			changes: true
		}
	]);
});

it.each([
	[
		'refused for good',
		[[/^RCPT/, '550 no such person']],
		'',
		{ status: 550, retryable: false, ambiguous: false }
	],
	[
		'asked to come later',
		[[/^RCPT/, '451 greylisted']],
		'',
		{ status: 451, retryable: true, ambiguous: false }
	],
	[
		'cut off after its text',
		[[/^DATA/, '354 go on']],
		'hang up',
		{ status: null, retryable: false, ambiguous: true }
	]
] as const)('tells a mail that was %s', async (_, answers, data, expected) => {
	const { made } = client(
		await smtp(
			answers.map(([pattern, answer]) => [pattern, answer]),
			data
		)
	);
	await expect(made.send(MAIL)).rejects.toMatchObject({
		name: 'VendorError',
		vendor: 'mail',
		...expected
	});
});

it('tells a server that is away', async () => {
	const { made } = client('smtp://127.0.0.1:9');
	await expect(made.send(MAIL)).rejects.toMatchObject({
		name: 'VendorError',
		code: 'ESOCKET',
		retryable: true,
		ambiguous: false
	});
});
