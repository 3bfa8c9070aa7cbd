import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BackupState, ConfigValue, ContainerState } from './state.ts';

const CONFIG_FILE = './etc/vzdump/pct.conf';
const GUEST_FILE = './var/lib/guest.json';

/** A backup archive (tar, zstd) with the configuration and what was inside. */
export function makeArchive(
	container: ContainerState,
	guest: string | null
): { content: Buffer; sha256: string } {
	const config = JSON.stringify(container.config);
	const files: [string, string][] = [[CONFIG_FILE, config]];
	if (guest !== null) files.push([GUEST_FILE, guest]);
	const content = zstdCompressSync(tar(files));
	return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

/** What an archive holds. @throws Error when its bytes are not what was written */
export function restoreArchive(backup: BackupState): {
	config: Record<string, ConfigValue>;
	guest: string | null;
} {
	const content = Buffer.from(backup.content, 'base64');
	if (createHash('sha256').update(content).digest('hex') !== backup.sha256) {
		throw new Error('unable to restore CT: zstd: checksum mismatch');
	}
	const files = untar(zstdDecompressSync(content));
	const config: Record<string, ConfigValue> = JSON.parse(files.get(CONFIG_FILE) ?? '{}');
	return { config, guest: files.get(GUEST_FILE) ?? null };
}

function tar(files: [string, string][]): Buffer {
	const parts: Buffer[] = [];
	for (const [name, text] of files) {
		const body = Buffer.from(text);
		const header = Buffer.alloc(512);
		header.write(name, 0, 'latin1');
		header.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
		header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
		header.write('00000000000\0' + ' '.repeat(8) + '0', 136, 'latin1');
		header.write('ustar\0' + '00', 257, 'latin1');
		const sum = header.reduce((total, byte) => total + byte, 0);
		header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
		parts.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
	}
	return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function untar(bytes: Buffer): Map<string, string> {
	const files = new Map<string, string>();
	for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
		const name = bytes.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
		const size = parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
		files.set(name, bytes.toString('utf8', at + 512, at + 512 + size));
		at += 512 + Math.ceil(size / 512) * 512;
	}
	return files;
}
