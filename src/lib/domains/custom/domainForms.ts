import { AppError } from '#lib/core/errors.ts';

const FIELDS: Partial<Record<AppError['code'], string>> = {
	DOMAIN_INVALID: 'domain',
	DOMAIN_EXISTS: 'domain',
	TENANT_NOT_FOUND: 'tenant',
	TENANT_GONE: 'tenant',
	LIMIT_REACHED: 'tenant'
};

/** Why a domain cannot be added, beside the field of the form that it is about. */
export function besideDomainField(error: unknown): unknown {
	if (!(error instanceof AppError)) return error;
	const field = FIELDS[error.code];
	return field ? new AppError(error.code, { fields: { [field]: error.sentence } }) : error;
}
