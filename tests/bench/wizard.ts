import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { z } from 'zod';
import { timesOf } from './load.ts';
import { figure, heading } from './report.ts';
import { activeInstance, agent, logIn, type World } from './world.ts';

const added = z.object({ data: z.object({ id: z.string() }) });
const lookSchema = z.object({
	facts: z.array(z.object({ key: z.string(), state: z.string() })),
	records: z.array(
		z.object({
			type: z.string(),
			name: z.string(),
			value: z.string(),
			isSet: z.boolean().nullable()
		})
	)
});
type Look = z.infer<typeof lookSchema>;

/** As `DomainWatch.svelte` asks. */
const EVERY_MS = 1_000;
const PATIENCE_MS = 60_000;

/** How long after the DNS has a record the wizard shows that it is there, and how long until the domain works. */
export async function benchWizard(world: World, count: number): Promise<void> {
	heading(`Wizard: ${count} domains, one after the other`);
	const cookie = await logIn(world.demo.app, world.demo.staff, 'admin');
	const tenant = await activeInstance(world.sql);
	const shown: number[] = [];
	const working: number[] = [];
	for (let n = 0; n < count; n += 1) {
		const { data } = added.parse(
			await post(`${world.demo.app}/api/domains`, cookie, {
				domain: `erp.wizard-${n}.example`,
				tenant
			})
		);
		const times = await verify(world, cookie, data.id);
		shown.push(times.shownMs);
		working.push(times.workingMs);
	}
	const [see, work] = [timesOf(shown), timesOf(working)];
	figure({ what: 'Records are seen after DNS has them, p50', value: see.p50, unit: 'ms' });
	figure({
		what: 'Records are seen after DNS has them, worst',
		value: see.most,
		unit: 'ms',
		aim: 2_000
	});
	figure({ what: 'The domain is active after DNS has it, p50', value: work.p50, unit: 'ms' });
	figure({ what: 'The domain is active after DNS has it, worst', value: work.most, unit: 'ms' });
}

/** Watches like the page, and sets the records at some moment between two looks. */
async function verify({ demo }: World, cookie: string, id: string) {
	const look = async () =>
		lookSchema.parse(await post(`${demo.app}/admin/domains/${id}/look`, cookie));
	const first = await look();
	let setAt = 0;
	const setting = sleep(EVERY_MS + Math.random() * EVERY_MS).then(async () => {
		for (const { type, name, value } of first.records)
			await post(`${demo.sandbox}/__sandbox/dns/records`, '', { type, name, content: value });
		setAt = performance.now();
	});
	const shown = await until(look, ({ records }) => records.every(({ isSet }) => isSet === true));
	await setting;
	const working = await until(look, ({ facts }) => facts.every(({ state }) => state === 'done'));
	return { shownMs: shown - setAt, workingMs: working - setAt };
}

/** @returns when the answer of a look fulfilled it */
async function until(look: () => Promise<Look>, isSo: (look: Look) => boolean): Promise<number> {
	const begun = performance.now();
	while (performance.now() - begun < PATIENCE_MS) {
		if (isSo(await look())) return performance.now();
		await sleep(EVERY_MS);
	}
	throw new Error('the wizard waited for a minute in vain');
}

async function post(url: string, cookie: string, body: object = {}): Promise<unknown> {
	const answer = await request(url, {
		method: 'POST',
		dispatcher: agent,
		headers: {
			'content-type': 'application/json',
			accept: 'application/json',
			origin: new URL(url).origin,
			...(cookie && { cookie })
		},
		body: JSON.stringify(body)
	});
	const text = await answer.body.text();
	if (answer.statusCode >= 300) throw new Error(`${url}: ${answer.statusCode} ${text}`);
	return JSON.parse(text);
}
