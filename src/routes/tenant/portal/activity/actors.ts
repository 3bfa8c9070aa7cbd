import { m } from '#i18n/paraglide/messages.js';

/** Who did it. Of staff customers learn that it was staff, not which person. */
export function actorWords(
	entry: { actorKind: string; actorLabel: string },
	platform: string
): string {
	if (entry.actorKind === 'system') return m.portal_activity_system();
	if (entry.actorKind === 'staff') return m.portal_activity_staff({ platform });
	if (entry.actorKind === 'visitor') return m.portal_activity_visitor();
	return entry.actorLabel;
}
