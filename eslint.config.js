import tseslint from 'typescript-eslint'

// Prettier owns the form, tsc the types; this is for mistakes that neither sees.
export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      '.tap/',
      '.ostiary/',
      'dist/',
      'coverage/',
      'bench/peers/',
      '**/*.generated.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'off' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A promise nobody waits for may fail unseen, or outlive its transaction.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      // Every member of a closed list is thought of.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // State that outlives a call needs an owner; see the style guide.
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program > VariableDeclaration[kind="let"]',
          message: 'no module-level state',
        },
        { selector: 'TSEnumDeclaration', message: 'type stripping knows no enums' },
      ],
      // The configuration is the only reader of the environment.
      'no-restricted-properties': ['error', { object: 'process', property: 'env' }],
    },
  },
  {
    files: ['src/config.ts', 'test/**', 'bench/**'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // tap runs subtests one after the other whether or not anybody waits for them.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      'no-console': 'off',
      'no-restricted-syntax': 'off',
    },
  },
  {
    // These talk to a person at a terminal.
    files: ['src/cli/**', 'src/main.ts', 'bench/**'],
    rules: { 'no-console': 'off' },
  },
)
