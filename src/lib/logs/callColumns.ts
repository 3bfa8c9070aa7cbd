import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import type { VendorCall } from '#prisma/generated/client.ts';
import { callStatus } from './words.ts';

/** Vendor calls in a file, without the bodies of request and answer. */
export function callColumns(): CsvColumn<VendorCall>[] {
	return [
		{ label: m.calls_when(), value: (row) => row.startedAt },
		{ label: m.calls_finished(), value: (row) => row.finishedAt },
		{ label: m.calls_vendor(), value: (row) => row.vendor },
		{ label: m.calls_operation(), value: (row) => row.operation },
		{ label: m.calls_key(), value: (row) => row.key },
		{ label: m.tenants_step(), value: (row) => row.stepName },
		{ label: m.calls_result(), value: (row) => callStatus(row.status).label },
		{ label: 'HTTP', value: (row) => row.httpStatus },
		{ label: m.calls_attempt(), value: (row) => row.attempts },
		{ label: m.calls_error(), value: (row) => row.error },
		{ label: 'job_id', value: (row) => row.jobId }
	];
}
