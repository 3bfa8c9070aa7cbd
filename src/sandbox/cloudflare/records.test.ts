import { describe, expect, test } from 'vitest';
import { testAccount } from './testing.ts';

const { standIn, sdk, call, zone, kernel } = await testAccount();
const records = `${zone}/dns_records`;
const zone_id = standIn.zoneId;
const target = `${standIn.tunnelId}.cfargotunnel.com`;
const codeOf = (answer: { body: { errors: { code: number }[] } }) => answer.body.errors[0]?.code;

describe('create, read, replace, patch, delete', () => {
	test('a CNAME to a tunnel, with its comment', async () => {
		const made = await sdk.dns.records.create({
			zone_id,
			type: 'CNAME',
			name: 'acme',
			content: target,
			ttl: 3600,
			proxied: true,
			comment: 'erp-core:1'
		});
		expect(made).toMatchObject({
			name: 'acme.sajet.us',
			type: 'CNAME',
			content: target,
			ttl: 1,
			proxied: true,
			proxiable: true,
			comment: 'erp-core:1'
		});
		expect(await sdk.dns.records.get(made.id, { zone_id })).toEqual(made);
		const edited = await call('PATCH', `${records}/${made.id}`, { comment: 'other' });
		expect(edited.body.result).toMatchObject({ comment: 'other', content: target });
		const replaced = await call('PUT', `${records}/${made.id}`, {
			type: 'CNAME',
			name: 'acme.sajet.us',
			content: 'elsewhere.example',
			ttl: 120
		});
		expect(replaced.body.result).toMatchObject({
			id: made.id,
			content: 'elsewhere.example',
			proxied: false,
			ttl: 120,
			comment: null
		});
		expect(await sdk.dns.records.delete(made.id, { zone_id })).toEqual({ id: made.id });
		const gone = await call('GET', `${records}/${made.id}`);
		expect([gone.status, codeOf(gone)]).toEqual([404, 81044]);
		expect(codeOf(await call('DELETE', `${records}/${made.id}`))).toBe(81044);
	});

	test('a name outside of the zone is taken as below it', async () => {
		const made = await call('POST', records, { type: 'TXT', name: 'a.other.com', content: 'x' });
		expect(made.body.result.name).toBe('a.other.com.sajet.us');
		const apex = await call('POST', records, { type: 'TXT', name: '@', content: 'x' });
		expect(apex.body.result.name).toBe('sajet.us');
	});

	test.each([
		[{ type: 'A', name: 'x', content: 'not an address' }, 9005],
		[{ type: 'AAAA', name: 'x', content: '1.2.3.4' }, 9006],
		[{ type: 'CNAME', name: 'x', content: 'bad name!' }, 9007],
		[{ type: 'CNAME', name: 'x', content: 'x.sajet.us' }, 9039],
		[{ type: 'CNAME', name: 'a..b', content: 'x.com' }, 9000],
		[{ type: 'CNAME', name: 'x' }, 9101],
		[{ type: 'NONSENSE', name: 'x', content: 'x' }, 9004],
		[{ type: 'TXT', name: 'x', content: 'x', proxied: true }, 9004],
		[{ type: 'A', name: 'x', content: '1.2.3.4', ttl: 7 }, 9021],
		[{ type: 'A', name: 'x', content: '1.2.3.4', comment: 'c'.repeat(501) }, 9085],
		[{ type: 'A', name: 'x', content: '1.2.3.4', tags: ['no colon'] }, 9090],
		[{ type: 'MX', name: 'x', content: 'mail.example' }, 9103]
	])('%j is refused with %i', async (body, code) => {
		const answer = await call('POST', records, body);
		expect([answer.status, codeOf(answer)]).toEqual([400, code]);
	});

	test('a body that is no JSON object is refused', async () => {
		expect(codeOf(await call('POST', records, [1]))).toBe(6007);
	});

	test('MX, SRV and CAA carry what is theirs', async () => {
		const mx = await call('POST', records, {
			...{ type: 'MX', name: 'sajet.us', content: 'mail.sajet.us', priority: 5 }
		});
		expect(mx.body.result).toMatchObject({ priority: 5, proxiable: false });
		const srv = await call('POST', records, {
			type: 'SRV',
			name: '_sip._tcp',
			data: { priority: 1, weight: 5, port: 5060, target: 'sip.example' }
		});
		expect(srv.body.result.content).toBe('5 5060 sip.example');
		const caa = await call('POST', records, {
			type: 'CAA',
			name: 'sajet.us',
			data: { flags: 0, tag: 'issue', value: 'letsencrypt.org' }
		});
		expect(caa.body.result.content).toBe('0 issue "letsencrypt.org"');
	});
});

describe('conflicts', () => {
	test('a CNAME stands alone beside A and AAAA', async () => {
		await call('POST', records, { type: 'CNAME', name: 'one', content: target, proxied: true });
		for (const body of [
			{ type: 'A', name: 'one', content: '1.2.3.4' },
			{ type: 'CNAME', name: 'one', content: target, proxied: true },
			{ type: 'CNAME', name: 'ONE.sajet.us', content: 'x.com' }
		]) {
			const answer = await call('POST', records, body);
			expect([answer.status, codeOf(answer)]).toEqual([400, 81053]);
		}
		const text = await call('POST', records, { type: 'TXT', name: 'one', content: 'may stay' });
		expect(text.status).toBe(200);
	});

	test('the same record twice is a duplicate, another address of the name is not', async () => {
		const body = { type: 'A', name: 'two', content: '1.2.3.4' };
		await call('POST', records, body);
		expect(codeOf(await call('POST', records, body))).toBe(81058);
		expect(codeOf(await call('POST', records, { ...body, ttl: 120 }))).toBe(81057);
		expect((await call('POST', records, { ...body, content: '1.2.3.5' })).status).toBe(200);
		const cname = await call('POST', records, { type: 'CNAME', name: 'two', content: 'x.com' });
		expect(codeOf(cname)).toBe(81053);
	});
});

describe('list', () => {
	test('dotted filters, the old plain name, any and all', async () => {
		for (const slug of ['f-alpha', 'f-beta', 'f-gamma']) {
			await sdk.dns.records.create({
				zone_id,
				type: 'CNAME',
				name: slug,
				content: target,
				ttl: 1,
				proxied: slug !== 'f-gamma',
				comment: `mark:${slug}`,
				tags: ['team:erp']
			});
		}
		const names = async (query: string) =>
			(await call('GET', `${records}?${query}`)).body.result.map(
				(one: { name: string }) => one.name.split('.')[0]
			);
		expect(await names('name.exact=f-alpha.sajet.us')).toEqual(['f-alpha']);
		expect(await names('name=F-Alpha.sajet.us')).toEqual(['f-alpha']);
		expect(await names('name.startswith=f-&proxied=false')).toEqual(['f-gamma']);
		expect(await names('comment.contains=mark:f-b')).toEqual(['f-beta']);
		expect(await names('comment.exact=mark')).toEqual([]);
		expect(await names('tag.exact=team:erp&name.endswith=beta.sajet.us')).toEqual(['f-beta']);
		expect(await names('match=any&comment.exact=mark:f-alpha&comment.exact=mark:f-gamma')).toEqual([
			'f-alpha',
			'f-gamma'
		]);
		expect(await names('type=AAAA')).toEqual([]);
		expect(await names('search=f-be')).toEqual(['f-beta']);
		expect(await names('name.startswith=f-&order=name&direction=desc')).toEqual([
			...['f-gamma', 'f-beta', 'f-alpha']
		]);
		const page = await sdk.dns.records.list({ zone_id, name: { exact: 'f-beta.sajet.us' } });
		expect(page.result.map(({ comment }) => comment)).toEqual(['mark:f-beta']);
	});

	test('pages through everything', async () => {
		const seen = new Set<string>();
		for await (const one of sdk.dns.records.list({ zone_id, per_page: 2 })) seen.add(one.id);
		const whole = await call('GET', `${records}?per_page=1000`);
		expect(seen.size).toBe(whole.body.result_info.total_count);
		expect(seen.size).toBeGreaterThan(5);
	});
});

describe('batch', () => {
	test('deletes before it posts, and gives all results', async () => {
		const old = await call('POST', records, { type: 'A', name: 'swap', content: '1.2.3.4' });
		const done = await sdk.dns.records.batch({
			zone_id,
			deletes: [{ id: old.body.result.id }],
			posts: [{ type: 'CNAME', name: 'swap', content: target, ttl: 1, proxied: true }]
		});
		expect(done.posts?.[0]).toMatchObject({ name: 'swap.sajet.us', type: 'CNAME' });
		expect(done.deletes?.[0]).toMatchObject({ id: old.body.result.id });
	});

	test('one bad entry leaves everything as it was', async () => {
		const before = kernel.calls.list().length;
		const list = async () => (await call('GET', `${records}?per_page=1000`)).body.result;
		const untouched = await list();
		const failed = await call('POST', `${records}/batch`, {
			deletes: [{ id: untouched[0].id }],
			posts: [{ type: 'A', name: 'bad', content: 'no address' }]
		});
		expect([failed.status, codeOf(failed)]).toEqual([400, 9005]);
		expect(await list()).toEqual(untouched);
		expect(kernel.calls.list().length).toBe(before + 3);
	});
});
