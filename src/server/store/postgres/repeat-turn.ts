/** Thrown within a turn that was overtaken by another server. It is rolled back, planned and done again. */
export class RepeatTurn extends Error {}
