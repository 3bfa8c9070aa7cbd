process.env.DATABASE_POOL_SIZE = '16';
import { faultMatrix } from '../../../tests/setup/faultMatrix.ts';

await faultMatrix('basic');
