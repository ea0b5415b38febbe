import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'

/** A web server that knows nothing but files: what lies in a folder, under `/log/`. */
export async function serveFolder(folder: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const file = join(folder, path.replace(/^\/log\//, ''))
    stat(file)
      .then((found) => {
        if (!found.isFile() || path.includes('..')) throw new Error('no file')
        response.writeHead(200, { 'content-length': found.size })
        createReadStream(file).pipe(response)
      })
      .catch(() => {
        response.writeHead(404)
        response.end()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
