import { expect, it } from 'vitest';
import { templateTrouble } from './templateWords.ts';

const step = (status: string, errorCode: string | null = null, error: string | null = null) => ({
	...{ status, errorCode, error, errorParams: null }
});

it('says what is wrong with a template in a sentence, and the words of the machine apart', () => {
	const failed = { status: 'failed', error: 'connect ECONNREFUSED' } as const;
	const refused = step('failed', 'INTERNAL', 'connect ECONNREFUSED');
	expect(templateTrouble(failed, [step('done'), refused])).toEqual({
		...{ sentence: 'Algo que no se había previsto.', technical: 'connect ECONNREFUSED' }
	});
	expect(templateTrouble(failed, [])).toMatchObject({ technical: 'connect ECONNREFUSED' });
	// Of one that is done it is its removal that failed.
	expect(templateTrouble({ ...failed, status: 'retired' }, [step('done')])).toEqual({
		...{ sentence: 'Proxmox no lo quitó: sigue ahí.', technical: 'connect ECONNREFUSED' }
	});
	expect(templateTrouble({ ...failed, status: 'building' }, [refused])).toBeNull();
	expect(templateTrouble({ status: 'ready', error: null }, [])).toBeNull();
});
