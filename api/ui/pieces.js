// The user's list. A piece is a picture and one painting of it, with the phases:
//
//   chosen -> waiting -> sending -> queued -> running -> succeeded | failed | canceled | gone
//
// A piece that is looked up again after a reload begins with looking. The browser stores the jobs, so
// that the list survives a reload; unsent pictures are not stored.

import { cancelJob, eraseJob, getPicture, retryJob } from './api.js'
import { patiently, watch } from './job.js'
import { findPreview, previewOf, previewPath } from './preview.js'
import { signatureOf, submission } from './settings.js'
import { drop, keep, recall } from './storage.js'
import { submit } from './submit.js'
import { close, open } from './upload.js'

const lanes = 3 // pictures that are sent at the same time
const most = 100 // jobs that are stored

export const pieces = []

let listener
// onChange sets the listener for changed pieces. A removed piece has the phase removed, and the reason
// in trouble unless the user removed it.
export const onChange = (listen) => (listener = listen)

const change = (piece, parts = {}) => {
  Object.assign(piece, parts)
  listener(piece)
}

const unfinished = ['looking', 'waiting', 'sending', 'queued', 'running']
export const busy = (piece) => unfinished.includes(piece.phase)
export const unsent = (piece) => ['waiting', 'sending'].includes(piece.phase)

// madeLike returns whether a piece is, or will be, painted with these settings.
export function madeLike(piece, wish) {
  if (!busy(piece) && piece.phase !== 'succeeded') return false
  return (piece.wish?.signature ?? (piece.job && signatureOf(piece.job))) === wish.signature
}

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('') // randomUUID needs https

function insert(parts) {
  const piece = { phase: 'chosen', trouble: '', task: new AbortController(), ...parts }
  pieces.push(piece)
  return piece
}

// add adds a picture to the list. Pieces of the same picture have the same source.
export function add(picture) {
  const { file, width, height } = picture
  const piece = insert({ picture, source: random(), name: file.name, width, height })
  change(piece)
  return piece
}

// ---- Painting

const queue = []
let sending = 0

// canRetry returns whether the server can paint a piece with these settings from the original that it
// has; this page has a preview at most.
export const canRetry = (piece, wish) => retryable(piece) && signatureOf(piece.job) === wish.signature

const retryable = (piece) => Boolean(piece.id && !piece.picture && ['failed', 'canceled'].includes(piece.phase))

// obstacle returns why a piece can't be painted with these settings, because there is no picture; empty
// if it can.
export function obstacle(piece, wish) {
  if (piece.picture || canRetry(piece, wish)) return ''
  switch (previewOf(piece)) {
    case 'later':
      return 'The photograph isn’t here. It can be painted again when a worker has started the job.'
    case 'none':
      return `There is no preview to paint. ${retryable(piece) && piece.job.style !== 'custom' ? 'Go back to the settings it had, or choose' : 'Choose'} the photograph again.`
  }
  return ''
}

// paint paints a piece with the settings of settings(), and returns the piece that is painted: the piece
// itself, or another if it is painted already or its picture isn't here.
export function paint(piece, wish) {
  if (canRetry(piece, wish)) {
    retry(piece)
    return piece
  }
  if (piece.phase === 'succeeded' || busy(piece) || !piece.picture) {
    const { picture, source, name, width, height, id, from = id } = piece
    piece = insert({ picture, source, name, width, height, from })
  } else if (piece.id) {
    forget(piece.id)
    Object.assign(piece, { id: undefined, job: undefined, key: undefined })
  }
  // The same request again, after a problem, must not make a second job.
  if (!piece.key || piece.wish.signature !== wish.signature) piece.key = random()
  queue.push(piece)
  change(piece, { wish, phase: 'waiting', trouble: '', calm: false, sent: 0, task: new AbortController() })
  advance()
  return piece
}

async function retry(piece) {
  const { phase } = piece
  change(piece, { phase: 'queued', began: Date.now(), trouble: '', calm: false, task: new AbortController() })
  const { signal } = piece.task
  try {
    follow(piece, await patiently(() => retryJob(piece.id, signal), { signal, ...away(piece) }))
  } catch (err) {
    if (!signal.aborted) change(piece, { phase, trouble: err.message, calm: false })
  }
}

function advance() {
  while (sending < lanes && queue.length > 0) {
    sending++
    send(queue.shift()).finally(() => {
      sending--
      advance()
    })
  }
}

async function send(piece) {
  const { signal } = piece.task
  try {
    // Of a job of an earlier visit only the preview is available.
    piece.picture ??= await patiently(() => fromPreview(piece.from, signal), { signal, ...away(piece) })
    const form = submission(piece.wish, piece.picture.file)
    const attempt = () => {
      change(piece, { phase: 'sending', sent: 0 })
      return submit(form, piece.key, { signal, onProgress: (sent) => change(piece, { sent }) })
    }
    const job = await patiently(attempt, { signal, ...away(piece, { phase: 'waiting' }) })
    piece.id = job.id
    remember(piece)
    follow(piece, job)
  } catch (err) {
    if (!signal.aborted) giveBack(piece, piece.picture ? err.message : `${err.message} Choose the photograph again to paint it.`)
  }
}

// giveBack makes a piece one that can be painted again. Without its picture it
// can't.
function giveBack(piece, why = '') {
  if (piece.picture) change(piece, { phase: 'chosen', trouble: why, calm: false })
  else remove(piece, why)
}

async function fromPreview(id, signal) {
  const blob = await getPicture(previewPath(id), signal)
  return open(new File([blob], 'preview.jpg', { type: 'image/jpeg' }))
}

// away shows, while requests fail temporarily, that they are repeated.
const away = (piece, parts) => ({
  onAway: (err) => change(piece, { ...parts, calm: true, trouble: `${err.message} ${piece.id ? 'The job is safe; trying again…' : 'Trying again…'}` }),
  onBack: () => change(piece, { trouble: '' }),
})

// ---- Following

async function follow(piece, known) {
  const { signal } = piece.task
  const onJob = (job, now) => {
    const phase = job.state === 'expired' ? 'gone' : job.state
    if (piece.preview === 'none' && job.run !== piece.job.run) piece.preview = undefined
    change(piece, { job, phase, began: Date.now() - (now - Date.parse(job.started_at ?? job.created_at)) })
  }
  if (known) onJob(known, Date.parse(known.created_at))
  try {
    await watch(piece.id, { signal, urgent: () => piece.onShow, onJob, ...away(piece) })
  } catch (err) {
    if (signal.aborted || piece.erasing) return
    if (err.status === 404 || err.status === 410) forget(piece.id)
    Object.assign(piece, { id: undefined, job: undefined, key: undefined })
    giveBack(piece, err.message)
  }
}

// lookForPreview determines whether there is a preview of a piece without a picture, unless that is
// known.
export async function lookForPreview(piece) {
  if (piece.picture || !piece.job || previewOf(piece) || piece.asking) return
  piece.asking = true
  const preview = await findPreview(piece.job.id, piece.began, piece.task.signal)
  piece.asking = false
  if (preview) change(piece, { preview }) // else the next change of the piece asks again
}

// find returns the piece of a job, which is looked up if it is unknown.
export function find(id) {
  return pieces.find((piece) => piece.id === id) ?? look({ id })
}

function look({ id, source = id, name, width = 4, height = 3 }) {
  const piece = insert({ id, source, name, width, height, phase: 'looking' })
  change(piece)
  follow(piece)
  return piece
}

// ---- Ending

// The user waits for these requests, so they are repeated only after 429, and a few times.
const briefly = { limit: 4, passing: (err) => err.status === 429 }

export async function stop(piece) {
  const { signal } = piece.task
  if (!unsent(piece)) return patiently(() => cancelJob(piece.id, signal), { signal, ...briefly }).catch((err) => {
    if (signal.aborted) return
    // 409: it has finished, and its result is about to be shown.
    if (err.status !== 409) change(piece, { trouble: err.message, calm: false })
  })
  piece.task.abort()
  if (queue.includes(piece)) queue.splice(queue.indexOf(piece), 1)
  giveBack(piece)
}

// erase removes a piece and erases its job. It throws the error of a failed request.
export async function erase(piece) {
  piece.erasing = true // watch must not report it
  try {
    await patiently(() => eraseJob(piece.id), briefly)
  } catch (err) {
    piece.erasing = false
    if (err.status !== 404 && err.status !== 410) throw err // it is gone already
  }
  forget(piece.id)
  remove(piece)
}

// remove removes a piece from the list without a request. why is the reason unless the user did it.
export function remove(piece, why = '') {
  piece.task.abort()
  piece.at = pieces.indexOf(piece)
  pieces.splice(piece.at, 1)
  if (piece.picture && !pieces.some((other) => other.picture === piece.picture)) close(piece.picture)
  change(piece, { phase: 'removed', trouble: why, calm: false })
}

// clear removes the pieces that are not in work.
export function clear() {
  for (const piece of pieces.filter((piece) => !busy(piece))) {
    if (piece.id) forget(piece.id)
    remove(piece)
  }
}

// ---- Remembering

// Other pages share the stored list, so it is read again for each change.
function remembered() {
  const jobs = recall('jobs')
  return Array.isArray(jobs) ? jobs : []
}
const save = (jobs) => keep('jobs', jobs.slice(-most), { lasting: true })

function remember({ id, source, name, width, height }) {
  save([...remembered().filter((job) => job.id !== id), { id, source, name, width, height }])
}

const forget = (id) => save(remembered().filter((job) => job.id !== id))

export const forgetAll = () => drop('jobs')

// restore looks up the jobs of earlier visits.
export function restore() {
  for (const job of remembered()) look(job)
}
