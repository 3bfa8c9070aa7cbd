import { z } from 'zod';
import {
	actNow,
	giveTime,
	giveTimeForm,
	reason,
	stopCase
} from '#lib/billing/dunningStaff.server.ts';
import { nextOf } from '#lib/billing/dunningTimeline.ts';
import { dunningView } from '#lib/billing/dunningViews.server.ts';
import { dunningAct, dunningResult } from '#lib/billing/dunningWords.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'billing:read');
	const id = idOf(event.params.id);
	const view = await dunningView(db, { id });
	if (!view) throw new AppError('NOT_FOUND');
	const subscription = await db.subscription.findUniqueOrThrow({
		where: { id: view.subscriptionId },
		select: {
			id: true,
			status: true,
			plan: { select: { name: true } },
			customer: { select: { id: true, companyName: true, email: true } },
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				select: { id: true, slug: true, status: true, readOnlyAt: true }
			}
		}
	});
	return {
		view,
		subscription,
		next: nextOf(view.timeline),
		// What staff did and why, newest first.
		acts: await db.auditEntry.findMany({
			where: { subjectType: 'dunning-case', subjectId: id, actorKind: { not: 'system' } },
			orderBy: { at: 'desc' },
			take: 20,
			select: { id: true, at: true, action: true, actorLabel: true, after: true }
		}),
		mayAct: staff.permissions.has('billing:write'),
		maySee: {
			tenants: staff.permissions.has('tenants:read'),
			customers: staff.permissions.has('customers:read')
		},
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.dunning_title(), href: '/admin/billing/dunning' },
			{ label: subscription.customer.companyName }
		]
	};
};

export const actions: Actions = {
	giveTime: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, giveTimeForm, async (input) => {
			await giveTime(idOf(event.params.id), { ...input, by });
			return { message: m.dunning_time_given() };
		});
	},
	stop: (event) => {
		requireStaff(event, 'billing:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = z.object({ reason, confirm: z.string() });
		return answerForm(event.request, form, async (input) => {
			const id = idOf(event.params.id);
			await typedName(id, input.confirm);
			await stopCase(id, { reason: input.reason, by });
			return { message: m.dunning_stopped() };
		});
	},
	now: (event) => {
		requireStaff(event, 'billing:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = z.object({ stage: z.uuid(), confirm: z.string() });
		return answerForm(event.request, form, async ({ stage, confirm }) => {
			const id = idOf(event.params.id);
			await typedName(id, confirm);
			const done = await actNow(id, { wanted: 'next', seen: stage, by });
			return { message: saidOf(done) };
		});
	},
	retry: (event) => {
		requireStaff(event, 'billing:write');
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.object({}), async () => {
			const done = await actNow(idOf(event.params.id), { wanted: 'retry', seen: null, by });
			return { message: saidOf(done) };
		});
	}
};

function idOf(given: string): string {
	const id = z.uuid().safeParse(given).data;
	if (!id) throw new AppError('NOT_FOUND');
	return id;
}

/** The name of the company, typed to say that one means it. */
async function typedName(caseId: string, typed: string): Promise<void> {
	const row = await db.dunningCase.findUnique({
		where: { id: caseId },
		select: { subscription: { select: { customer: { select: { companyName: true } } } } }
	});
	const name = row?.subscription.customer.companyName;
	if (!name) throw new AppError('NOT_FOUND');
	if (typed.trim() !== name)
		throw new AppError('BAD_INPUT', {
			fields: { confirm: m.ui_type_to_confirm({ name }) }
		});
}

function saidOf(done: Awaited<ReturnType<typeof actNow>>): string {
	if (!done) return m.dunning_nothing_left();
	if (done.result) return m.dunning_retried({ result: dunningResult(done.result) });
	return m.dunning_done_now({ act: dunningAct(done.act) });
}
