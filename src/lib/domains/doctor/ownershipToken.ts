/**
 * Where a token is among the TXT records of a name. `pieces`: one record a piece, in whatever order · `other`: something
 * stands there, without it · `missing`: nothing does.
 */
export type TokenSeen = 'found' | 'pieces' | 'other' | 'missing';

/** Registrars that keep the quotes which people typed, and spaces around. */
function bare(record: string): string {
	return record
		.trim()
		.replace(/^"(.*)"$/s, '$1')
		.trim();
}

export function tokenAmong(records: readonly string[], token: string): TokenSeen {
	const texts = records.map(bare).filter((text) => text !== '');
	if (texts.includes(token)) return 'found';
	if (piecesOf(texts, token) > 0) return 'pieces';
	return texts.length > 0 ? 'other' : 'missing';
}

/** How many records make the token up together; 0 when they do not. */
export function piecesOf(records: readonly string[], token: string): number {
	const pieces = records.map(bare).filter((text) => text !== '' && token.includes(text));
	const taken = new Set<number>();
	const fits = (at: number): boolean => {
		if (at === token.length) return true;
		// Few records and few that go on where the last one ended: no search to speak of.
		return pieces.some((piece, index) => {
			if (taken.has(index) || !token.startsWith(piece, at)) return false;
			taken.add(index);
			if (fits(at + piece.length)) return true;
			taken.delete(index);
			return false;
		});
	};
	return pieces.length <= MOST_PIECES && fits(0) ? taken.size : 0;
}

/** Of more, nobody who wanted to set a token could have set them. */
const MOST_PIECES = 12;
