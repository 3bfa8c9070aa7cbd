/**
 * `npm run bench`: measures speed and memory of the built product against its sandbox on this machine, and prints each
 * figure beside a reference that was measured in the same run. Nothing is asserted: figures of a busy machine say little.
 *
 *   npm run bench                        everything but the clone
 *   npm run bench -- pages landing       these subjects alone (start provisioning warm webhook pages landing lists ingress
 *                                         domains cluster console metrics)
 *   npm run bench -- --quick             small numbers, to see that it works
 *   npm run bench -- --clone             also clones and installs into a temporary folder
 */
import { parseArgs } from 'node:util';
import { benchCluster } from '../../tests/bench/cluster.ts';
import { benchConsole } from '../../tests/bench/console.ts';
import { benchDomains } from '../../tests/bench/domains.ts';
import { benchIngress } from '../../tests/bench/ingress.ts';
import { benchLanding } from '../../tests/bench/landing.ts';
import { benchLists } from '../../tests/bench/lists.ts';
import { benchMetrics } from '../../tests/bench/metrics.ts';
import { benchPages } from '../../tests/bench/pages.ts';
import { benchOverhead, benchQueue, benchRush, benchWarm } from '../../tests/bench/provisioning.ts';
import { table } from '../../tests/bench/report.ts';
import { benchClone, benchStart } from '../../tests/bench/start.ts';
import { benchWebhook } from '../../tests/bench/webhook.ts';
import { benchWizard } from '../../tests/bench/wizard.ts';
import { newPlace, type World } from '../../tests/bench/world.ts';
import { build } from './build.ts';
import { generateIfChanged } from './generate.ts';

const SUBJECTS = [
	'start',
	'provisioning',
	'warm',
	'webhook',
	'pages',
	'landing',
	'lists',
	'ingress',
	'domains',
	'cluster',
	'console',
	'metrics'
];
/** Of the vendors' real time, where their time is the subject. */
const SPEED = 0.1;

const { values: flags, positionals } = parseArgs({
	allowPositionals: true,
	options: { quick: { type: 'boolean' }, clone: { type: 'boolean' } }
});
const unknown = positionals.filter((name) => !SUBJECTS.includes(name));
if (unknown.length > 0) {
	console.error(`There is no ${unknown.join(', ')}; subjects are ${SUBJECTS.join(' ')}.`);
	process.exit(1);
}
const wanted = (subject: string) => positionals.length === 0 || positionals.includes(subject);
const quick = flags.quick === true;

if (flags.clone) benchClone();
await generateIfChanged();
await build(() => console.log('Building …'));

const place = await newPlace();
let world: World | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(1));
try {
	// As shipped, but with vendors that answer at once: what is left is ours.
	world = await place.start({ role: 'all', speed: 0 });
	const firstMs = world.startMs;
	if (wanted('provisioning')) await benchRush(world, quick ? 5 : 20);
	if (wanted('webhook')) await benchWebhook(world, quick ? 4 : 20);
	if (wanted('console')) await benchConsole(world, quick ? 100 : 1_000);
	await world.stop();

	world = await place.start({ role: 'all', speed: SPEED });
	if (wanted('start')) benchStart(firstMs, world.startMs);
	if (wanted('provisioning')) {
		await benchOverhead(world, quick ? 5 : 20, SPEED);
		await benchQueue(world, quick ? 10 : 100, SPEED);
	}
	if (wanted('warm')) await benchWarm(world, quick ? 3 : 20, SPEED);
	await world.stop();

	if (wanted('pages') || wanted('landing') || wanted('ingress')) {
		// A web process alone: a worker would look after the invented tenants.
		world = await place.start({ role: 'web', speed: 0 });
		if (wanted('ingress')) await benchIngress(world);
		if (wanted('landing')) await benchLanding(world);
		if (wanted('pages')) await benchPages(world, quick ? 5_000 : 100_000);
		await world.stop();
		world = null;
	}
	if (wanted('lists')) {
		// Without what the pages' subject wrote.
		place.remove();
		world = await place.start({ role: 'web', speed: 0 });
		// Each list alone is looked at some 200 times: with fewer its p99 would be its slowest look.
		await benchLists(world, quick ? 5_000 : 100_000, quick ? 20 : 300);
		await world.stop();
		world = null;
	}
	if (wanted('domains')) {
		place.remove();
		world = await place.start({ role: 'all', speed: 0 });
		await benchWizard(world, quick ? 3 : 20);
		await benchDomains(world, quick ? 200 : 2_000);
		await world.stop();
		world = null;
	}
	if (wanted('cluster') || wanted('metrics')) {
		place.remove();
		world = await place.start({ role: 'web', speed: 0 });
		if (wanted('cluster')) await benchCluster(world, quick ? 5 : 50);
		if (wanted('metrics')) await benchMetrics(world, quick ? 20 : 1_000);
	}
	console.log(`\n${table()}`);
	await end(0);
} catch (error) {
	console.error(error);
	await end(1);
}

async function end(code: number): Promise<never> {
	await world?.stop().catch(() => undefined);
	place.remove();
	process.exit(code);
}
