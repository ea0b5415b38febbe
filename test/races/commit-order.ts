/** In which order transactions committed: read from the write-ahead log itself. */
import pg from 'pg'

export interface CommitOrder {
  /** Reads rows as the superuser, who sees all. */
  rows<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /**
   * Where the commit record of each transaction lies, by transaction id, since the last call (or since
   * this was opened). What lies further on committed later.
   */
  read(): Promise<ReadonlyMap<string, bigint>>
  close(): Promise<void>
}

/** Opens it for a whole cluster, through one of its databases. */
export async function openCommitOrder(url: string): Promise<CommitOrder> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await client.query<Row>(text, values)).rows
  await rows('create extension if not exists pg_walinspect')
  // With this a commit of ours brings all before it to the file, where alone it can be read.
  await rows('set synchronous_commit = on')
  const end = async () =>
    (await rows<{ lsn: string }>(`select pg_logical_emit_message(true, 'races', '') as lsn`))[0]!
      .lsn
  let from = await end()
  return {
    rows,
    async read() {
      const to = await end()
      const commits = await rows<{ xid: string; at: string }>(
        `select xid::text, (start_lsn - '0/0')::text as at from pg_get_wal_records_info($1, $2)
         where resource_manager = 'Transaction' and record_type like 'COMMIT%'`,
        [from, to],
      )
      from = to
      return new Map(commits.map(({ xid, at }) => [xid, BigInt(at)]))
    },
    close: () => client.end(),
  }
}
