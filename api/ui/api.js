// Speaks HTTP to the API. Addresses are relative to the page, so that a stage
// prefix in front of it does no harm.

const patience = 20_000 // milliseconds for an answer that has no picture in it

// A Problem is an answer that is none, in words for people. It is temporary
// where the same request may well succeed later, after retryAfter seconds.
export class Problem extends Error {
  constructor(message, { status = 0, code = '', retryAfter = 0 } = {}) {
    super(sentence(message))
    Object.assign(this, { status, code, retryAfter })
    this.temporary = status === 0 || status === 429 || status >= 500
  }
}

// sentence makes one of the API's lower-case details.
export const sentence = (text) => text[0].toUpperCase() + text.slice(1).replace(/[.;\s]*$/, '.')

const unreachable = () =>
  new Problem(navigator.onLine ? 'The server can’t be reached.' : 'You are offline.')

const seconds = (header) => Number(header) || 0

// problem reads an RFC 9457 answer; what stands between us and the server
// (a proxy, a gateway) may answer with anything.
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

// hold is for how many seconds the server was asked to keep its answer.
async function request(method, path, { signal, headers, hold = 0 } = {}) {
  let answer
  try {
    const limit = AbortSignal.timeout(patience + hold * 1000)
    answer = await fetch(path, { method, headers, signal: signal ? AbortSignal.any([signal, limit]) : limit })
    if (answer.ok || answer.status === 304) return answer
    throw problem(answer.status, await answer.text(), answer.headers.get('Retry-After'))
  } catch (err) {
    if (err instanceof Problem || signal?.aborted) throw err
    throw unreachable()
  }
}

// read parses an answer; one cut short counts as none.
async function read(answer) {
  try {
    return await answer.json()
  } catch {
    throw unreachable()
  }
}

export async function getStyles() {
  return (await read(await get('v1/styles'))).styles ?? []
}

export const jobPath = (id) => `v1/jobs/${encodeURIComponent(id)}`

// getJob answers {job, etag, retryAfter, now}; job is undefined while it is
// still the one that etag names, for which the server may wait hold seconds.
// now is the server's clock, since the job's times are by it.
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

export async function getPreview(id, signal) {
  return (await get(`${jobPath(id)}/preview`, { signal })).blob()
}

// submit sends a form and answers the job. It is an XMLHttpRequest because
// fetch doesn't tell how much of a body has gone out. The key makes repeating
// the same form safe where the server knows Idempotency-Key.
export function submit(form, key, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('POST', 'v1/jobs')
    x.setRequestHeader('Idempotency-Key', key)
    x.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    x.onerror = () => reject(unreachable())
    x.onabort = () => reject(signal.reason)
    x.onload = () => {
      try {
        if (x.status === 202) return resolve(JSON.parse(x.responseText))
      } catch {}
      reject(problem(x.status, x.responseText, x.getResponseHeader('Retry-After')))
    }
    signal.addEventListener('abort', () => x.abort(), { once: true })
    x.send(form)
  })
}
