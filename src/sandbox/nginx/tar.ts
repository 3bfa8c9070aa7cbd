export interface TarEntry {
	path: string;
	content: Buffer;
	/** As `stat` prints it: `600`. */
	mode: string;
}

const BLOCK = 512;

/** The files of a tar archive (ustar); null when it is none, or ends in the middle of one. */
export function untar(archive: Buffer): TarEntry[] | null {
	const entries: TarEntry[] = [];
	for (let at = 0; at + BLOCK <= archive.length;) {
		const header = archive.subarray(at, at + BLOCK);
		if (header.every((byte) => byte === 0)) return entries;
		if (header.subarray(257, 262).toString() !== 'ustar') return null;
		const text = (from: number, length: number) =>
			header
				.subarray(from, from + length)
				.toString('utf8')
				.replace(/\0.*$/s, '')
				.trim();
		const size = Number.parseInt(text(124, 12), 8);
		const content = archive.subarray(at + BLOCK, at + BLOCK + size);
		if (content.length < size) return null;
		if (text(156, 1) !== '5')
			entries.push({
				path: text(0, 100),
				content: Buffer.from(content),
				mode: text(100, 8).replace(/^0+/, '')
			});
		at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
	}
	return null;
}
