/** A name in a suite that nothing in the suite explains, or a sweep over nothing. */
export class SuiteError extends Error {}
