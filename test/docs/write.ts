import { mkdir, writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import { REFERENCES } from './reference.ts'

// Writes the pages of the manual that a test then holds against the code: `npm run docs`.
await mkdir('docs', { recursive: true })
for (const [path, text] of Object.entries(REFERENCES)) {
  await writeFile(path, await format(text(), { parser: 'markdown' }))
}
