import { crc32 } from 'node:zlib';
import type { DatabaseState } from './state.ts';

/** A dump as Odoo writes it: a zip with `manifest.json`, `dump.sql` and, unless left out, the filestore. */
export function packDatabase(database: DatabaseState, filestore: boolean, nowMs: number): Buffer {
	const { filestore: attachments, ...tables } = database;
	const manifest = {
		odoo_dump: '1',
		db_name: database.name,
		version: `${database.version}.0`,
		major_version: `${database.version}.0`,
		pg_version: '17.0',
		modules: database.modules
	};
	const files: [string, Buffer][] = [
		['manifest.json', Buffer.from(JSON.stringify(manifest, null, 4))],
		['dump.sql', Buffer.from(`-- PostgreSQL database dump\n-- ${JSON.stringify(tables)}\n`)]
	];
	if (filestore) {
		for (const [path, content] of Object.entries(attachments)) {
			files.push([`filestore/${path}`, Buffer.from(content, 'base64')]);
		}
	}
	return zip(files, new Date(nowMs));
}

/** The database in a dump; null when the bytes are no whole dump. */
export function unpackDatabase(content: Buffer): DatabaseState | null {
	const files = unzip(content);
	const sql = files?.get('dump.sql')?.toString('utf8');
	const tables = /^-- (\{.*\})$/m.exec(sql ?? '')?.[1];
	if (!files || !tables) return null;
	const filestore: Record<string, string> = {};
	for (const [path, bytes] of files) {
		if (path.startsWith('filestore/')) filestore[path.slice(10)] = bytes.toString('base64');
	}
	return { ...(JSON.parse(tables) as Omit<DatabaseState, 'filestore'>), filestore };
}

/** PKZIP with stored entries: enough for every unzip there is. */
function zip(files: [string, Buffer][], at: Date): Buffer {
	const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
	const date =
		((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
	const local: Buffer[] = [];
	const central: Buffer[] = [];
	let offset = 0;
	for (const [name, body] of files) {
		const path = Buffer.from(name);
		const common = Buffer.alloc(26);
		common.writeUInt16LE(20, 0);
		common.writeUInt16LE(time, 6);
		common.writeUInt16LE(date, 8);
		common.writeUInt32LE(crc32(body), 10);
		common.writeUInt32LE(body.length, 14);
		common.writeUInt32LE(body.length, 18);
		common.writeUInt16LE(path.length, 22);
		const header = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, path]);
		const tail = Buffer.alloc(14);
		tail.writeUInt32LE(offset, 10);
		central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, path);
		local.push(header, body);
		offset += header.length + body.length;
	}
	const directory = Buffer.concat(central);
	const end = Buffer.alloc(18);
	end.writeUInt16LE(files.length, 4);
	end.writeUInt16LE(files.length, 6);
	end.writeUInt32LE(directory.length, 8);
	end.writeUInt32LE(offset, 12);
	return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

function unzip(content: Buffer): Map<string, Buffer> | null {
	if (content.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1')) < 0) return null;
	const files = new Map<string, Buffer>();
	for (let at = 0; content.readUInt32LE(at) === 0x04034b50;) {
		const size = content.readUInt32LE(at + 18);
		const nameLength = content.readUInt16LE(at + 26);
		const start = at + 30 + nameLength + content.readUInt16LE(at + 28);
		const body = content.subarray(start, start + size);
		if (crc32(body) !== content.readUInt32LE(at + 14)) return null;
		files.set(content.toString('utf8', at + 30, at + 30 + nameLength), body);
		at = start + size;
	}
	return files;
}
