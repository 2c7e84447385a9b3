// Requests to the API. Addresses are relative to the page, so that they stay valid behind a stage
// prefix.

import { bearer, keyReady, keyRefused } from './key.js'

const timeout = 20_000 // milliseconds for a response, besides the time that the server holds it

// A Problem is a failed request, with a message for users. It is temporary if the same request may
// succeed later, after retryAfter seconds.
export class Problem extends Error {
  constructor(message, { status = 0, code = '', retryAfter = 0 } = {}) {
    super(sentence(message))
    Object.assign(this, { status, code, retryAfter })
    this.temporary = status === 0 || status === 429 || status >= 500 || code === 'not_ready'
  }
}

// sentence makes a sentence of one of the API's lower-case details.
export const sentence = (text) => text[0].toUpperCase() + text.slice(1).replace(/[.;\s]*$/, '.')

const unreachable = () =>
  new Problem(navigator.onLine ? 'The server can’t be reached.' : 'You are offline.')

const seconds = (header) => Number(header) || 0

// problem reads an RFC 9457 response. A proxy or gateway may respond with anything else.
function problem(status, body, retryAfter) {
  let said = {}
  try {
    said = JSON.parse(body) ?? {}
  } catch {}
  return new Problem(said.detail || `The server answered with an error (HTTP ${status}).`, {
    status,
    code: said.code,
    retryAfter: seconds(retryAfter),
  })
}

const get = (path, options) => request('GET', path, options)

// request waits for an API key if one is missing, unless open: then it sends none. hold is the number
// of seconds for which the server was asked to hold the response.
async function request(method, path, { signal, open, ...options } = {}) {
  for (;;) {
    const key = open ? '' : await keyReady(signal)
    const answer = await once(method, path, { signal, key, ...options })
    if (answer.ok || answer.status === 304) return answer
    if (answer.status !== 401 || open) throw await refusal(answer)
    keyRefused(key)
  }
}

async function once(method, path, { signal, key, headers, body, hold = 0 }) {
  const limit = AbortSignal.timeout(timeout + hold * 1000)
  try {
    return await fetch(path, {
      method,
      body,
      headers: { ...headers, ...bearer(key) },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
  } catch (err) {
    throw signal?.aborted ? err : unreachable()
  }
}

async function refusal(answer) {
  const body = await answer.text().catch(() => '')
  return problem(answer.status, body, answer.headers.get('Retry-After'))
}

// checkKey throws a Problem unless the server accepts the key.
export async function checkKey(key) {
  const answer = await once('GET', 'v1/jobs?limit=1', { key })
  if (!answer.ok) throw await refusal(answer)
}

// read parses a response; a truncated one counts as none.
async function read(answer) {
  try {
    return await answer.json()
  } catch {
    throw unreachable()
  }
}

export async function getStyles() {
  return (await read(await get('v1/styles', { open: true }))).styles ?? []
}

export const jobPath = (id) => `v1/jobs/${encodeURIComponent(id)}`

// getJob returns {job, etag, retryAfter, now}. job is undefined if it is still the one of etag; the
// server may wait hold seconds for a change. now is the time of the server's clock, which the job's
// times are of.
export async function getJob(id, { etag, hold = 0, signal }) {
  const headers = etag ? { 'If-None-Match': etag } : {}
  const answer = await get(jobPath(id) + (hold ? `?wait=${hold}` : ''), { signal, headers, hold })
  return {
    job: answer.status === 304 ? undefined : await read(answer),
    etag: answer.headers.get('ETag') ?? etag,
    retryAfter: seconds(answer.headers.get('Retry-After')),
    now: Date.parse(answer.headers.get('Date')) || Date.now(),
  }
}

export const cancelJob = (id, signal) => request('POST', `${jobPath(id)}/cancel`, { signal })

export const retryJob = async (id, signal) => read(await request('POST', `${jobPath(id)}/retry`, { signal }))

export const eraseJob = (id) => request('DELETE', jobPath(id))

export async function getPicture(path, signal) {
  const answer = await get(path, { signal })
  try {
    return await answer.blob()
  } catch (err) {
    throw signal?.aborted ? err : unreachable()
  }
}

// askForUpload returns an upload for a picture of the given size.
export const askForUpload = async (bytes, signal) =>
  read(await request('POST', 'v1/uploads', { signal, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ bytes }) }))

// post sends the form of a submission and returns the job. The idempotency key makes repeating the
// same form safe.
export async function post(form, idempotencyKey, { signal, onProgress }) {
  for (;;) {
    const key = await keyReady(signal)
    const x = await send('POST', 'v1/jobs', form, { 'Idempotency-Key': idempotencyKey, ...bearer(key) }, { signal, onProgress })
    if (x.status === 401) {
      keyRefused(key)
      continue
    }
    try {
      if (x.status === 202) return JSON.parse(x.responseText)
    } catch {}
    throw problem(x.status, x.responseText, x.getResponseHeader('Retry-After'))
  }
}

// send sends a body and returns the finished request. It is an XMLHttpRequest because fetch doesn't
// report how much of a body was sent.
export function send(method, path, body, headers, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open(method, path)
    for (const name in headers) x.setRequestHeader(name, headers[name])
    x.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    x.onerror = () => reject(unreachable())
    x.onabort = () => reject(signal.reason)
    x.onload = () => resolve(x)
    signal.addEventListener('abort', () => x.abort(), { once: true })
    if (signal.aborted) return reject(signal.reason)
    x.send(body)
  })
}
