import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { db, transaction } from './db.server.ts';

/** A message of PostgreSQL's protocol: its type, its length with itself, its body. */
function message(type: string, body: Buffer): Buffer {
	const head = Buffer.alloc(5, type);
	head.writeInt32BE(body.length + 4, 1);
	return Buffer.concat([head, body]);
}

it('a connection that is ended in the moment when it is handed out ends no process', async () => {
	const fields = [
		'SFATAL',
		'C57P01',
		'Mterminating connection due to administrator command',
		'',
		''
	];
	const hello = Buffer.concat([
		message('R', Buffer.alloc(4)),
		message('Z', Buffer.from('I')),
		message('E', Buffer.from(fields.join('\0')))
	]);
	// A server that is being restarted: whom it lets in it turns out with the same packet.
	const server = createServer((socket) => socket.once('data', () => socket.end(hello)));
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const { port } = server.address() as AddressInfo;
	process.env.DATABASE_URL = `postgres://erp:secret@127.0.0.1:${port}/erp`;
	const unheard: Error[] = [];
	const hear = (error: Error) => unheard.push(error);
	process.on('uncaughtExceptionMonitor', hear);

	await expect(transaction((tx) => tx.setting.count())).rejects.toThrow(/connection/i);
	await expect(db.setting.count()).rejects.toThrow(/connection/i);

	expect(unheard).toEqual([]);
	process.off('uncaughtExceptionMonitor', hear);
	await db.$disconnect();
	server.close();
});
