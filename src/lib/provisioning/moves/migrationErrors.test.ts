import { expect, it } from 'vitest';
import { moveErrorInBoth } from './migrationErrors.ts';

it('says in both languages why a move failed, and nothing in the words of a machine', () => {
	expect(moveErrorInBoth('NO_CAPACITY: 1 MB free where 900 MB are needed')).toEqual({
		why_es: 'En este momento no hay lugar en el clúster para este plan.',
		why_en: 'Right now the cluster has no room for this plan.'
	});
	expect(moveErrorInBoth('MOVE_REFUSED: busy').why_en).toMatch(/^It cannot be moved now: \S/);
	expect(moveErrorInBoth('locked: CT is locked (backup)').why_es).not.toContain('CT is locked');
	for (const unforeseen of ['INTERNAL: ECONNRESET', 'nonsense', null]) {
		const { why_es, why_en } = moveErrorInBoth(unforeseen);
		expect(why_es).not.toBe(why_en);
		expect(why_es + why_en).not.toMatch(/ECONNRESET|nonsense/);
	}
});
