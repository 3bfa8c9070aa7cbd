export interface EdgeFile {
	/** Below the folder that the archive is unpacked in; 100 bytes at most. */
	path: string;
	content: string;
	/** Octal: 0o600. */
	mode: number;
}

const BLOCK = 512;

/** A tar archive (POSIX ustar) of files: many are written in one command, each with its mode from the beginning. */
export function tarOf(files: EdgeFile[]): Buffer {
	const parts = files.flatMap(({ path, content, mode }) => {
		const body = Buffer.from(content);
		const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
		return [header(path, body.length, mode), body, padding];
	});
	return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(path: string, size: number, mode: number): Buffer {
	if (Buffer.byteLength(path) > 100) throw new Error(`too long for an archive: ${path}`);
	const block = Buffer.alloc(BLOCK);
	const octal = (value: number, at: number, width: number) =>
		block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
	block.write(path, 0, 'utf8');
	octal(mode, 100, 8);
	octal(0, 108, 8);
	octal(0, 116, 8);
	octal(size, 124, 12);
	// The time is nobody's affair: the same files are the same archive.
	octal(0, 136, 12);
	block.write('        ', 148, 'latin1');
	block.write('0', 156, 'latin1');
	block.write('ustar\u000000', 257, 'latin1');
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
	return block;
}
