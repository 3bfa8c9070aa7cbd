import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { answerForm } from '#lib/core/forms.server.ts';
import { providerBudget } from '#lib/domains/providerBudget.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { hasSteppedUp, requireStaff, requireStepUp } from '#lib/identity/guard.server.ts';
import { saveCategory, settingFields } from '#lib/settings/categoryForm.server.ts';
import { CATEGORIES } from '#lib/settings/definition.ts';
import { definitionOf, isSettingKey } from '#lib/settings/registry.ts';
import { resetSetting, saveSetting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

const categoryName = z.enum(CATEGORIES).catch('general');
const oneKey = z.object({
	key: z.string().refine(isSettingKey, { error: () => m.field_invalid() }),
	version: z.coerce.number().int()
});

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'settings:read');
	const category = categoryName.parse(event.url.searchParams.get('tab') ?? 'general');
	return {
		category,
		fields: await settingFields(db, category),
		budget:
			category === 'cloudflare' && staff.permissions.has('domains:read')
				? await providerBudget()
				: null,
		mayWrite: staff.permissions.has('settings:write'),
		confirmed: event.locals.auth !== null && hasSteppedUp(event.locals.auth),
		crumbs: [{ label: m.admin_nav_settings() }]
	};
};

export const actions: Actions = {
	save: (event) => {
		requireStaff(event, 'settings:write');
		const category = categoryName.parse(event.url.searchParams.get('tab') ?? 'general');
		// How people log in is as delicate as a secret.
		if (category === 'security') requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, z.record(z.string(), z.string()), async (given) => {
			const key = given.reset;
			if (key && isSettingKey(key) && definitionOf(key).category === category) {
				const version = Number(given[`${key}.version`]);
				await transaction((tx) => resetSetting(tx, key, by, version));
				return { message: m.settings_reset_done() };
			}
			const count = await transaction((tx) => saveCategory(tx, category, given, by));
			return { message: count > 0 ? m.settings_saved({ count }) : m.settings_unchanged() };
		});
	},
	secret: (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		const form = oneKey.extend({ secret: z.string().trim().min(1) });
		return answerForm(event.request, form, async ({ key, version, secret }) => {
			if (!isSettingKey(key)) throw new AppError('NOT_FOUND');
			await transaction((tx) => saveSetting(tx, key, secret, by, version)).catch(
				(error: unknown) => {
					if (!(error instanceof AppError) || !error.fields) throw error;
					throw new AppError(error.code, { fields: { secret: error.fields[key] ?? '' } });
				}
			);
			return { message: m.settings_secret_saved() };
		});
	},
	forget: (event) => {
		requireStaff(event, 'settings:write');
		requireStepUp(event);
		const by = actorOf(event.locals.auth!);
		return answerForm(event.request, oneKey, async ({ key, version }) => {
			if (!isSettingKey(key)) throw new AppError('NOT_FOUND');
			await transaction((tx) => resetSetting(tx, key, by, version));
			return { message: m.settings_reset_done() };
		});
	}
};
