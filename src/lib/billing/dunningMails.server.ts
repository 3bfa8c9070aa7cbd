import type { Tx } from '#lib/core/db.server.ts';
import { queueMail } from '#lib/notifications/mail.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import type { DunningNotice } from '#lib/notifications/templates/dunning.ts';
import { CUTS, type TimelineEntry } from './dunningTimeline.ts';
import type { CaseFacts } from './dunningFacts.server.ts';
import { payLink } from './dunningPayLink.server.ts';

interface Reader {
	address: string;
	name: string;
	locale: string;
}

/** Whom a company's bills are for: its own address, and its owners. Each address once. */
export async function payersOf(tx: Tx, customerId: string): Promise<Reader[]> {
	const customer = await tx.customer.findUniqueOrThrow({
		where: { id: customerId },
		select: {
			email: true,
			fullName: true,
			locale: true,
			memberships: {
				where: { role: { key: 'owner' }, user: { status: 'active' } },
				select: { user: { select: { email: true, fullName: true, locale: true } } }
			}
		}
	});
	const readers = new Map<string, Reader>();
	for (const { email, fullName, locale } of [
		customer,
		...customer.memberships.map(({ user }) => user)
	])
		if (!readers.has(email.toLowerCase()))
			readers.set(email.toLowerCase(), {
				address: email,
				name: fullName,
				locale: locale ?? customer.locale
			});
	return [...readers.values()];
}

type Said = Pick<DunningNotice, 'tone' | 'nextAct' | 'nextAt' | 'skipped'>;

/** A stage of a case to those who pay, with what comes after it. */
export async function tellStage(
	tx: Tx,
	row: CaseFacts,
	stage: Pick<TimelineEntry, 'id' | 'act' | 'tone'>,
	timeline: readonly TimelineEntry[]
): Promise<void> {
	const tone = stage.act === 'mail' ? (stage.tone ?? 'reminder') : stage.act;
	const next = afterwards(timeline, stage.id);
	const retries = timeline.find(({ act }) => act === 'retry');
	await tell(tx, row, `dunning:${row.id}:${stage.id}`, {
		tone: toneOf(tone),
		nextAct: next?.act ?? null,
		nextAt: next?.at.toISOString() ?? null,
		// Said by the first mail alone: the card will not be tried again.
		skipped: retries?.skip && retries.skip !== 'stripe_retries' ? retries.skip : null
	});
}

/** It is paid, and what was taken away is on its way back. */
export async function tellRestored(
	tx: Tx,
	row: { id: string; customerId: string; subscriptionId: string }
): Promise<void> {
	const { owed, currency } = await tx.dunningCase.findUniqueOrThrow({ where: { id: row.id } });
	await tell(tx, { ...row, owed, currency }, `dunning:${row.id}:restored`, {
		tone: 'restored',
		nextAct: null,
		nextAt: null,
		skipped: null
	});
}

/** The next thing that takes something away. */
function afterwards(
	timeline: readonly TimelineEntry[],
	stageId: string
): TimelineEntry | undefined {
	const position = timeline.findIndex(({ id }) => id === stageId);
	return timeline.slice(position + 1).find(({ act, skip }) => CUTS.includes(act) && !skip);
}

const TONES = [
	'friendly',
	'reminder',
	'warning',
	'last',
	'read_only',
	'suspend',
	'delete',
	'restored'
] as const satisfies readonly DunningNotice['tone'][];

function toneOf(word: string): DunningNotice['tone'] {
	return TONES.find((tone) => tone === word) ?? 'reminder';
}

async function tell(
	tx: Tx,
	row: { id: string; customerId: string; subscriptionId: string; owed: number; currency: string },
	key: string,
	said: Said
): Promise<void> {
	const { companyName } = await tx.customer.findUniqueOrThrow({
		where: { id: row.customerId },
		select: { companyName: true }
	});
	const instances = await tx.tenant.findMany({
		where: {
			customerId: row.customerId,
			subscriptionId: row.subscriptionId,
			status: { notIn: ['deleted', 'refunded'] }
		},
		orderBy: { createdAt: 'asc' },
		select: { slug: true }
	});
	for (const { address, name, locale } of await payersOf(tx, row.customerId))
		await queueMail(tx, {
			template: 'dunning',
			userId: null,
			customerId: row.customerId,
			to: address,
			locale,
			data: {
				name,
				company: companyName,
				instances: instances.map(({ slug }) => slug),
				amount: row.owed,
				currency: row.currency,
				url: payLink(row.subscriptionId, 'mail'),
				...said
			},
			dedupeKey: `${key}:${address.toLowerCase()}`
		});
	await notify(tx, {
		customerId: row.customerId,
		kind: `billing.dunning-${said.tone}`,
		severity: said.tone === 'restored' ? 'success' : said.tone === 'friendly' ? 'warning' : 'error',
		href: '/tenant/portal/billing',
		dedupeKey: key
	});
}
