/** `npm run dev`: the demo with Vite's development server, so that changes show at once. */
import { runStack } from './run-stack.ts';

await runStack({ app: 'vite', build: false });
