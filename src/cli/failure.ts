/**
 * What a command that failed says: the message of an error that is made for people (ours, and the
 * system's, such as a port in use), never a stack.
 */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return 'ostiary: failed'
  const { code, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE')
    return `ostiary: ${address ?? ''}:${port ?? ''} is in use by another program; set OSTIARY_PORT or OSTIARY_METRICS_PORT`
  return `ostiary: ${error.message}`
}
