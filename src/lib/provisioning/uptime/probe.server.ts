import { now } from '#lib/core/clock.server.ts';
import { log } from '#lib/core/log.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import {
	lookAtHealth,
	lookFromOutside,
	manyLooks,
	type ManyLooks,
	type Seen
} from '../../domains/custom/answer.server.ts';
import { askForCheck } from '../../domains/custom/customDomains.server.ts';
import { endFailovers } from '../../infrastructure/ha/failovers.server.ts';
import { canWeSee } from './control.server.ts';
import { endForgotten, recordLooks } from './record.server.ts';
import { probedPages, type Probed } from './probed.server.ts';
import { Slots } from './slots.ts';

/** What one look at one instance saw. */
export interface Look extends Probed {
	seen: Seen;
	/** When it began, and how long it took. */
	at: Date;
	ms: number;
}

/**
 * Looks at a time; how long each keeps its place; and when no further one is begun. With ten seconds for each of the
 * two looks that a miss takes, a run has ended before the next is due. Tests shorten them.
 */
export const patience = { atATime: 100, slotMs: 500, runMs: 30_000 };

/** Of so few instances all may be down at once. */
const ENOUGH = 10;
const BLIND = { rule: 'provisioning.probe-blind', subjectType: 'platform', subjectId: 'probe' };

/**
 * Looks at every instance that should be on the air, through the edge, as the world sees it, and writes down what it saw.
 * When next to nothing answers because we see nothing, nobody is called down, and nothing is counted.
 */
export async function probeAll(signal?: AbortSignal): Promise<void> {
	const began = now();
	const looks = await lookAtAll(signal);
	// What a dying worker saw may be its own death.
	if (signal?.aborted) return;
	const silent = looks.filter(({ seen }) => isSilence(seen)).length;
	if (looks.length >= ENOUGH && silent > looks.length / 2 && !(await canWeSee())) {
		await transaction((tx) =>
			openAlert(tx, {
				...{ ...BLIND, severity: 'critical' },
				data: { silent, looks: looks.length, seen: looks.find(isMiss)?.seen.detail ?? '' }
			})
		);
		return;
	}
	await recordLooks(looks);
	await transaction(async (tx) => {
		await endForgotten(tx, now());
		const answering = looks.flatMap(({ id, seen }) => (seen.ok ? [id] : []));
		await endFailovers(tx, new Set(answering), began);
		await closeAlert(tx, BLIND);
	});
}

const isMiss = ({ seen }: Look) => !seen.ok;

/** There was no answer at all, which may be our fault as well as theirs. */
function isSilence({ ok, code }: Seen): boolean {
	return !ok && !/^(http|edge)_|^no_login$|^other_database$|^nxdomain$|^nodata$/.test(code);
}

async function lookAtAll(signal?: AbortSignal): Promise<Look[]> {
	const until = performance.now() + patience.runMs;
	const slots = new Slots(patience.atATime, patience.slotMs);
	const many = manyLooks();
	const looks: Look[] = [];
	let skipped = 0;
	try {
		for await (const page of probedPages()) {
			for (const tenant of page) {
				if (signal?.aborted || performance.now() > until) skipped += 1;
				else await slots.run(async () => void looks.push(await lookAt(tenant, many)));
			}
		}
		await slots.ended();
	} finally {
		await many.close();
	}
	if (skipped > 0) log.warn({ skipped, looked: looks.length }, 'a probe had no time for all');
	return looks;
}

async function lookAt(tenant: Probed, many: ManyLooks): Promise<Look> {
	const at = now();
	const begun = performance.now();
	try {
		const { seen, ms } = await whatIsSeen(tenant, many);
		return { ...tenant, seen, at, ms };
	} catch (error) {
		// One that cannot even be asked (a name that is none) must not end the look at the others.
		const detail = error instanceof Error ? error.message : String(error);
		const seen = { ok: false, detail, code: 'lost' };
		return { ...tenant, seen, at, ms: performance.now() - begun };
	}
}

/**
 * What the platform's own name shows. While a primary domain is at work that one is looked at; when it does not answer, the
 * instance may be well and the domain broken, which is then looked into at once. What the shared connections do not show
 * counts only when a visitor's own does not show it either; a silence of ten seconds is long enough by itself.
 */
async function whatIsSeen(
	{ slug, zone, databaseName, domainId, hostname }: Probed,
	many: ManyLooks
): Promise<{ seen: Seen; ms: number }> {
	const platform = `${slug}.${zone}`;
	if (domainId === null || hostname === null) {
		const shared = await timed(() => many.look({ hostname: platform, databaseName, zone }));
		if (shared.seen.ok || shared.seen.code === 'timeout') return shared;
		return timed(() => lookFromOutside({ hostname: platform, databaseName }));
	}
	const primary = await timed(() => lookFromOutside({ hostname, databaseName }));
	if (primary.seen.ok) return primary;
	const health = await timed(() => lookAtHealth(platform));
	if (health.seen.ok) await transaction((tx) => askForCheck(tx, { id: domainId }));
	return health;
}

async function timed(look: () => Promise<Seen>): Promise<{ seen: Seen; ms: number }> {
	const begun = performance.now();
	const seen = await look();
	return { seen, ms: performance.now() - begun };
}
