// The list of what the person works on. A piece is a picture and what becomes
// of it:
//
//   chosen -> waiting -> sending -> queued -> running -> succeeded | failed | canceled | gone
//
// One that is looked for again after a reload begins as looking. The jobs are
// remembered by the browser, so that the list outlives the page; the pictures
// that were not sent yet are not.

import { cancelJob, eraseJob, getPicture, retryJob } from './api.js'
import { patiently, watch } from './job.js'
import { findPreview, previewOf, previewPath } from './preview.js'
import { signatureOf, submission } from './settings.js'
import { drop, keep, recall } from './storage.js'
import { submit } from './submit.js'
import { close, open } from './upload.js'

const lanes = 3 // pictures on their way to the server at a time
const most = 100 // jobs that are remembered

export const pieces = []

let listener
// onChange is told of each piece that has changed. One that was taken out of the
// list is in the phase removed, with why in trouble where nobody wished for it.
export const onChange = (listen) => (listener = listen)

const change = (piece, parts = {}) => {
  Object.assign(piece, parts)
  listener(piece)
}

const unfinished = ['looking', 'waiting', 'sending', 'queued', 'running']
export const busy = (piece) => unfinished.includes(piece.phase)
export const unsent = (piece) => ['waiting', 'sending'].includes(piece.phase)

// madeLike says whether a piece is, or is about to be, painted as wished.
export function madeLike(piece, wish) {
  if (!busy(piece) && piece.phase !== 'succeeded') return false
  return (piece.wish?.signature ?? (piece.job && signatureOf(piece.job))) === wish.signature
}

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('') // randomUUID is for https alone

function insert(parts) {
  const piece = { phase: 'chosen', trouble: '', task: new AbortController(), ...parts }
  pieces.push(piece)
  return piece
}

// add puts a picture into the list. Pieces of the same have the same source.
export function add(picture) {
  const { file, width, height } = picture
  const piece = insert({ picture, source: random(), name: file.name, width, height })
  change(piece)
  return piece
}

// ---- Painting

const queue = []
let sending = 0

// canRetry says whether the server can paint a piece as wished without being sent a
// picture. It has the original, and here is a preview at most.
export const canRetry = (piece, wish) => retryable(piece) && signatureOf(piece.job) === wish.signature

const retryable = (piece) => Boolean(piece.id && !piece.picture && ['failed', 'canceled'].includes(piece.phase))

// obstacle says why a piece can't be painted as wished: there is nothing here to paint
// it from. It is empty where it can.
export function obstacle(piece, wish) {
  if (piece.picture || canRetry(piece, wish)) return ''
  switch (previewOf(piece)) {
    case 'later':
      return 'The photograph isn’t here. It can be painted again once a worker has begun with it.'
    case 'none':
      return `There is no preview to paint. ${retryable(piece) && piece.job.style !== 'custom' ? 'Go back to the settings it had, or choose' : 'Choose'} the photograph again.`
  }
  return ''
}

// paint has a piece painted as wished, by settings(): the piece itself, or
// where that is painted already, or its picture isn't here, another. It answers
// which.
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
    // Of a job of an earlier visit the picture is not here, only its preview is.
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

// away says while the server can't be asked that it will be asked again.
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

// lookForPreview finds out whether there is a preview of a piece whose picture isn't
// here, where that isn't known.
export async function lookForPreview(piece) {
  if (piece.picture || !piece.job || previewOf(piece) || piece.asking) return
  piece.asking = true
  const preview = await findPreview(piece.job.id, piece.began, piece.task.signal)
  piece.asking = false
  if (preview) change(piece, { preview }) // else the next change of the piece asks again
}

// find answers the piece of a job, which is looked for where it isn't known.
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

// A person waits for these, so that they are repeated only where there were too many
// just now, and not for ever.
const briefly = { limit: 4, passing: (err) => err.status === 429 }

export async function stop(piece) {
  const { signal } = piece.task
  if (!unsent(piece)) return patiently(() => cancelJob(piece.id, signal), { signal, ...briefly }).catch((err) => {
    if (signal.aborted) return
    // Finished already is no news: what became of it is about to be shown.
    if (err.status !== 409) change(piece, { trouble: err.message, calm: false })
  })
  piece.task.abort()
  if (queue.includes(piece)) queue.splice(queue.indexOf(piece), 1)
  giveBack(piece)
}

// erase removes a piece and everything of its job. It throws what went wrong.
export async function erase(piece) {
  piece.erasing = true // who watches the job is not to make news of it
  try {
    await patiently(() => eraseJob(piece.id), briefly)
  } catch (err) {
    piece.erasing = false
    if (err.status !== 404 && err.status !== 410) throw err // gone is what it was to be
  }
  forget(piece.id)
  remove(piece)
}

// remove takes a piece out of the list and leaves its job alone. why is given
// where it isn't the person's wish.
export function remove(piece, why = '') {
  piece.task.abort()
  piece.at = pieces.indexOf(piece)
  pieces.splice(piece.at, 1)
  if (piece.picture && !pieces.some((other) => other.picture === piece.picture)) close(piece.picture)
  change(piece, { phase: 'removed', trouble: why, calm: false })
}

// clear takes out what nothing goes on with.
export function clear() {
  for (const piece of pieces.filter((piece) => !busy(piece))) {
    if (piece.id) forget(piece.id)
    remove(piece)
  }
}

// ---- Remembering

// Other pages have the same list, so that it is read anew for each change.
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

// restore looks for the jobs of earlier visits.
export function restore() {
  for (const job of remembered()) look(job)
}
