/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

/** `NEST=11` takes Nest and what it shares with us from test/nest-11: one copy of each, as in an application. */
const otherNest: Config['moduleNameMapper'] =
  process.env['NEST'] === '11'
    ? { '^(@nestjs/.+|reflect-metadata|rxjs(?:/.+)?)$': '<rootDir>/test/nest-11/node_modules/$1' }
    : {};

const config: Config = {
  testEnvironment: '<rootDir>/test/support/jest-environment.mjs',
  // ESM has no global `jest`; a forgotten import from @jest/globals must fail, not half work.
  injectGlobals: false,
  roots: ['<rootDir>/lib', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testTimeout: 15_000,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    ...otherNest,
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-distributed-schedule$': '<rootDir>/lib/index.ts',
    '^nestjs-distributed-schedule/testing$': '<rootDir>/lib/testing/index.ts',
  },
  // Each spec file keeps its module registry in ESM mode; the limit recycles a worker before memory does.
  workerIdleMemoryLimit: '512MB',
  maxWorkers: 2,
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageProvider: 'babel',
};

export default config;
