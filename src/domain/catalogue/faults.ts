/** One thing that is wrong with the schemas the catalogue is built from. */
export interface CatalogueFault {
  /** `record_type`, `record_type.field`, or `schema <n>` (from 0) where no type could be read. */
  readonly where: string
  readonly detail: string
}

/** Takes down one fault and goes on, so that all of them can be told at once. */
export type Report = (where: string, detail: string) => void

/** The schemas do not make a catalogue; `faults` has every reason. */
export class CatalogueError extends Error {
  readonly faults: readonly CatalogueFault[]

  constructor(faults: readonly CatalogueFault[]) {
    super(faults.map(({ where, detail }) => `${where}: ${detail}`).join('\n'))
    this.name = 'CatalogueError'
    this.faults = faults
  }
}
