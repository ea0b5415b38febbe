/** Small enough for a first run beside everything else on one machine; a bigger server is the operator's own. */
const DEFAULTS: Readonly<Record<string, string>> = {
  max_connections: '100',
  shared_buffers: '64MB',
  huge_pages: 'off',
  max_wal_size: '512MB',
  jit: 'off',
  // The data lies in memory or on flash: looking something up by an index costs little more than reading on.
  random_page_cost: '1.1',
  full_page_writes: 'on',
}

/**
 * What no caller may change. The server's own log is written in clear beside encrypted data, so nothing that a statement
 * carried may get into it: no statement, no parameter, no error of a session (`invalid input syntax for type …: "value"`,
 * so messages below LOG are not written), and no detail (`Failing row contains …`, `Failed process was running: …`).
 * Sessions get their errors in full.
 */
const ENFORCED: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_duration: 'off',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_transaction_sample_rate: '0',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
}

/**
 * Arguments (`-c name=value`) for the `postgres` program: defaults, then the caller's settings, then what is enforced.
 * The command line outranks postgresql.conf and `alter system`.
 */
export function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries({ ...DEFAULTS, ...settings, ...ENFORCED }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
}
