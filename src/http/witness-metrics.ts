import { Gauge, type Registry } from 'prom-client'

/** How the witnesses are doing, for Prometheus. */
export interface WitnessFigures {
  readonly witnesses: readonly {
    readonly name: string
    readonly cosignedSize: number
    readonly refuses: boolean
  }[]
  readonly missing: boolean
  /** Seconds; undefined where there is no quorum within the bound. */
  readonly age: number | undefined
}

/** Adds the figures of witnesses to a registry; gives what sets them. */
export function witnessMetrics(registry: Registry): (figures: WitnessFigures) => void {
  const registers = [registry]
  const cosigned = new Gauge({
    name: 'ostiary_witness_cosigned_size',
    help: 'Entries under the last checkpoint that the witness cosigned',
    labelNames: ['witness'],
    registers,
  })
  const refuses = new Gauge({
    name: 'ostiary_witness_refuses',
    help: '1 while the witness says that it has cosigned what this log does not continue',
    labelNames: ['witness'],
    registers,
  })
  const missing = new Gauge({
    name: 'ostiary_witness_missing',
    help: '1 while too few witnesses have cosigned anything within the bound',
    registers,
  })
  const age = new Gauge({
    name: 'ostiary_witness_quorum_age_seconds',
    help: 'Age of the newest checkpoint that enough witnesses cosigned; NaN beyond the bound',
    registers,
  })
  return (figures) => {
    for (const witness of figures.witnesses) {
      cosigned.set({ witness: witness.name }, witness.cosignedSize)
      refuses.set({ witness: witness.name }, witness.refuses ? 1 : 0)
    }
    missing.set(figures.missing ? 1 : 0)
    age.set(figures.age ?? NaN)
  }
}
