import { db, transaction } from '#lib/core/db.server.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { fieldSentences } from '#lib/core/validation.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	explainCapacity,
	placementRules,
	type Explanation,
	type PlacementRules
} from '#lib/infrastructure/placement/placement.server.ts';
import { lacksHa } from '#lib/infrastructure/placement/haLack.ts';
import type { Movable } from '#lib/infrastructure/placement/makeRoom.ts';
import { simulateSale, waysOut } from '#lib/infrastructure/placement/sale.server.ts';
import { readWorld, type World } from '#lib/infrastructure/placement/world.server.ts';
import { poolPlanForm } from '#lib/infrastructure/pools/poolForms.ts';
import { releasePools } from '#lib/infrastructure/pools/pools.server.ts';
import { poolRows } from '#lib/infrastructure/pools/poolView.server.ts';
import { plansOnSale } from '#lib/plans/plans.server.ts';
import { saleQuestion } from '#lib/provisioning/schema.ts';
import { movableContainers } from '#lib/provisioning/moves/containers/movable.server.ts';
import { roomMovesForm } from '#lib/provisioning/moves/containers/roomMoves.ts';
import { askForRoomMoves } from '#lib/provisioning/moves/containers/roomMoves.server.ts';
import { setupSpeed } from '#lib/provisioning/speed.server.ts';
import {
	countWaiting,
	expectedAt,
	listWaiting,
	QUEUE_LIST,
	waitHistories
} from '#lib/provisioning/waiting.server.ts';
import { listHref, parseListQuery } from '#lib/ui/list-query.ts';
import type { Plan } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

/** Places that are named of each plan. */
const SHOWN = 8;

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'provisioning:read');
	const rules = await placementRules();
	const plans = await plansOnSale(db);
	const world = await readWorld(db);
	const found = [];
	const waits = await waitHistories(db);
	const waiting = await countWaiting(db);
	let movables: Movable[] | null = null;
	for (const plan of plans) {
		const wanted = wantedOf(plan);
		const explanation = await explainCapacity(db, wanted, rules, world);
		if (!explanation.fits) movables ??= await movableContainers(db, world.nodes);
		const out = explanation.fits ? null : waysOut(world, wanted, rules, movables ?? []);
		const { isolation } = plan;
		const queue = { waiting: waiting[isolation] ?? 0, waits: waits[isolation] ?? null };
		const short = inShort({ key: plan.key, name: plan.name, ...explanation }, event.url);
		found.push({ ...short, out, queue });
	}
	const { rows, meta } = await listWaiting(db, parseListQuery(event.url, QUEUE_LIST));
	return {
		plans: found,
		moving: await db.container.count({ where: { moveToNodeId: { not: null } } }),
		pools: (await poolRows(db)).filter(
			({ target, ready, making, going }) => target + ready + making + going > 0
		),
		sale: await saleOf(event.url, plans, rules, world),
		queue: {
			rows: rows.map((row) => ({ ...row, expected: expectedAt(waits, row) })),
			meta
		},
		speed: await setupSpeed(db),
		may: {
			tenants: staff.permissions.has('tenants:read'),
			nodes: staff.permissions.has('infrastructure:read'),
			addNodes: staff.permissions.has('infrastructure:write')
		},
		crumbs: [{ label: m.admin_nav_provision() }]
	};
};

/** A cluster of fifty nodes is named for the plan that is asked for; of the others the best places are. */
function inShort(found: Explanation & { key: string; name: string }, url: URL) {
	const isAll = url.searchParams.get('all') === found.key;
	const [shared, nodes] = isAll
		? [found.shared, found.nodes]
		: [found.shared.slice(0, SHOWN), found.nodes.slice(0, SHOWN)];
	const href = listHref(url, { all: found.key });
	const left = {
		shared: found.shared.length - shared.length,
		nodes: found.nodes.length - nodes.length
	};
	return { ...found, shared, nodes, more: { ...left, impossible: lacksHa(found), href } };
}

export const actions: Actions = {
	make_room: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, roomMovesForm, async ({ plan, moves }) => ({
			roomMoves: await askForRoomMoves(moves, m.out_move_reason({ plan }), by)
		}));
	},
	release: (event) => {
		requireStaff(event, 'infrastructure:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, poolPlanForm, async ({ plan }) => {
			await transaction((tx) => releasePools(tx, plan, by));
			const { name = plan } = (await plansOnSale(db)).find(({ key }) => key === plan) ?? {};
			return { message: m.pool_released({ plan: name }) };
		});
	}
};

/** What was asked in the address, with the answer, or with what is wrong with the question. */
async function saleOf(url: URL, plans: Plan[], rules: PlacementRules, world: World) {
	const typed = {
		plan: url.searchParams.get('plan') ?? plans[0]?.key ?? '',
		count: url.searchParams.get('count') ?? '20'
	};
	const question = saleQuestion.safeParse(typed);
	const plan = plans.find(({ key }) => key === typed.plan);
	if (!question.success || !plan || !url.searchParams.has('count')) {
		const error = question.success ? null : (fieldSentences(question.error).count ?? null);
		return { typed, error, answer: null };
	}
	const answer = await simulateSale(db, wantedOf(plan), question.data.count, rules, world);
	return { typed, error: null, answer: { plan: plan.name, ...answer } };
}

function wantedOf({ isolation, cpuCores, ramMb, diskGb }: Plan) {
	return { isolation, cpuCores, ramMb, diskGb };
}
