import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

// What svelte-check and the architecture test hold is not held here a second time.
export default ts.config(
	{
		ignores: [
			'build/',
			'.svelte-kit/',
			'.data/',
			'coverage/',
			'test-results/',
			'prisma/generated/',
			'src/i18n/paraglide/',
			'static/'
		]
	},
	js.configs.recommended,
	...ts.configs.recommended,
	...svelte.configs.recommended,
	prettier,
	...svelte.configs.prettier,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: {
			// TypeScript knows every name; this rule does not know types.
			'no-undef': 'off',
			'no-console': ['error', { allow: ['error', 'warn'] }],
			// Refusing control characters is what such expressions are for.
			'no-control-regex': 'off',
			eqeqeq: ['error', 'smart'],
			'@typescript-eslint/no-explicit-any': 'error',
			'@typescript-eslint/no-unused-vars': [
				'error',
				{ argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }
			],
			'@typescript-eslint/consistent-type-imports': [
				'error',
				{ fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }
			],
			// Links are plain paths: the application is served from the root of its own host.
			'svelte/no-navigation-without-resolve': 'off'
		}
	},
	{
		// A forgotten await is the one mistake that only types show and that no test is sure to meet.
		files: ['src/lib/**/*.ts', 'src/routes/**/*.ts', 'src/cli/**/*.ts', 'src/*.ts'],
		ignores: ['**/*.svelte.ts'],
		languageOptions: { parserOptions: { projectService: true } },
		rules: {
			'@typescript-eslint/no-floating-promises': 'error',
			'@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
			'@typescript-eslint/await-thenable': 'error'
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: {
			parserOptions: { extraFileExtensions: ['.svelte'], parser: ts.parser, svelteConfig }
		}
	},
	{
		// These talk to a terminal.
		files: [
			'src/cli/**',
			'src/sandbox/main.ts',
			'src/i18n/add.ts',
			'tests/setup/**',
			'tests/bench/**',
			'tests/host/**'
		],
		rules: { 'no-console': 'off' }
	}
);
