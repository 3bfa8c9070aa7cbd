import { now } from '#lib/core/clock.server.ts';
import { defineAlertMetric } from '../notifications/alerts/alertMetrics.server.ts';

// Of a domain behind our own edge the certificate that we ordered counts, of the others the one that was seen.
defineAlertMetric({
	...{ name: 'domain.certificate_days', unit: 'days', subjectType: 'domain' },
	...{ worse: 'below', hasHistory: false },
	read: async (tx) => {
		const rows = await tx.$queryRaw<{ id: string; name: string; days: number | null }[]>`
			SELECT own.id, own.external_domain AS name, extract(epoch FROM
				coalesce(certificate.not_after, own.certificate_expires_at) - ${now()}::timestamptz)::float8 / 86400 AS days
			FROM custom_domains own
			LEFT JOIN edge_certificates certificate ON certificate.custom_domain_id = own.id AND own.driver = 'edge'
			WHERE own.verification_status = 'active' ORDER BY own.external_domain`;
		return rows.map(({ id, name, days }) => ({
			...{ subjectId: id, name, data: { domain: name } },
			values: days === null ? null : [days]
		}));
	}
});
