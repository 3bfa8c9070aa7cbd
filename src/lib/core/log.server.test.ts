import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './log.server.ts';

describe('what is logged', () => {
	it('loses its secrets wherever they are', () => {
		const logged = withoutSecrets({
			user: { email: 'ana@example.com', password: 'hunter2', totpSecret: 'AAAA' },
			headers: [{ Authorization: 'Bearer x', 'set-cookie': 'session=1' }],
			apiToken: 'x',
			token: null
		});
		expect(logged).toEqual({
			user: { email: 'ana@example.com', password: '[removed]', totpSecret: '[removed]' },
			headers: [{ Authorization: '[removed]', 'set-cookie': '[removed]' }],
			apiToken: '[removed]',
			token: null
		});
	});

	it('keeps what an error says, its cause included', () => {
		const error = Object.assign(new Error('refused', { cause: new TypeError('why') }), {
			status: 503,
			token: 'x'
		});
		expect(withoutSecrets(error)).toMatchObject({
			type: 'Error',
			message: 'refused',
			status: 503,
			token: '[removed]',
			cause: { type: 'TypeError', message: 'why' }
		});
	});

	it('ends on what goes round in a circle', () => {
		const circle: Record<string, unknown> = {};
		circle.self = circle;
		expect(JSON.stringify(withoutSecrets(circle))).toContain('[too deep]');
	});
});
