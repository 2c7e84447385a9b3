// The picture on show: its phase and its result.
//
//   empty, or the phase of the piece; failed also for a piece that was stopped or is gone, and
//   fetching for a painted one until the picture is loaded

import { sentence } from './api.js'
import { comparison } from './compare.js'
import { letGo, load } from './images.js'
import { patiently } from './job.js'
import { lookForPreview } from './pieces.js'
import { previewOf, previewPath } from './preview.js'
import { titleOf } from './styles.js'

const $ = (id) => document.getElementById(id)
const divider = comparison($('frame'), $('compare'))

let current // the piece on show
let looking = new AbortController() // for its pictures
let loaded = [] // their addresses
let asked // which of the job's pictures were requested
let told = '' // the text about the piece in the notice
const unveiled = new WeakSet() // pieces whose painting was shown before

// show shows a piece as it is now, or the empty stage for undefined.
export function show(piece) {
  if (piece !== current) turnTo(piece)
  if (!piece) return setPhase('empty', '')
  const { phase, job } = piece
  if (phase === 'succeeded') {
    if (asked !== `painted ${job.id}`) present(piece)
    return
  }
  if (!piece.picture && job) {
    describeAbsence(piece)
    lookForPreview(piece)
    if (piece.preview === 'there' && asked !== `sent ${job.id}`) showSent(piece)
  }
  const [as, line] = lines[phase]
  setPhase(as ?? phase, line(piece))
  if (phase === 'chosen') $('receipt').textContent = facts([piece.name, `${piece.width} × ${piece.height}`, bytes(piece.picture.file.size)])
  if (phase === 'sending') $('progress').value = piece.sent * 100
  else $('progress').removeAttribute('value')
  startClock(piece)
  const text = piece.trouble || (phase === 'failed' ? reason(job) : phase === 'gone' ? over : '')
  if (text !== told) tell((told = text), piece.trouble && piece.calm)
}

const lines = {
  chosen: [, () => ''],
  looking: [, () => 'Looking for the job'],
  waiting: [, () => 'Waiting to be sent'],
  sending: [, () => 'Sending the picture'],
  queued: [, () => 'In the queue'],
  running: [, ({ job }) => (job.attempts > 1 ? `Painting, attempt ${job.attempts}` : 'Painting')],
  failed: [, () => 'It could not be painted'],
  canceled: ['failed', () => 'Stopped before it was painted'],
  gone: ['failed', () => 'No longer here'],
}

function turnTo(piece) {
  looking.abort()
  looking = new AbortController()
  for (const src of loaded.splice(0)) letGo(src)
  current = piece
  asked = undefined
  stopClock()
  tell((told = ''))
  $('after').removeAttribute('src')
  if (!piece) return
  makeRoom(piece)
  showBefore(piece.picture?.url)
}

function setPhase(phase, line) {
  document.body.dataset.phase = phase
  const focused = document.activeElement
  for (const part of document.querySelectorAll('[data-in]')) {
    part.hidden = !part.dataset.in.split(' ').includes(phase)
  }
  if (focused.hidden) $('paint').focus() // the element with the focus was hidden
  if ($('status').textContent !== line) $('status').textContent = line // so that the same text is not read out twice
}

// tell shows what went wrong and what to do; calm if there is nothing to do.
export function tell(text, calm = false) {
  $('notice').textContent = text
  $('notice').classList.toggle('calm', Boolean(calm))
  $('notice').hidden = !text
}

// makeRoom reserves the picture's place before it is loaded.
function makeRoom({ width, height }) {
  $('frame').style.setProperty('--ratio', width / height)
}

// describeAbsence shows the style in the place of a missing photograph, and why it is missing.
function describeAbsence(piece) {
  $('placeholder').textContent = titleOf(piece.job.style)
  $('absence').textContent = absences[previewOf(piece)] ?? 'The photograph appears here in a moment.'
}

const absences = {
  later: 'The photograph appears here when a worker has started the job.',
  none: 'There is no preview of the photograph.',
}

function showBefore(src) {
  if (src) $('before').src = src
  else $('before').removeAttribute('src')
}

// ---- The job's pictures

async function showSent(piece) {
  const { signal } = looking
  asked = `sent ${piece.job.id}`
  try {
    const sent = await load(previewPath(piece.job.id), signal)
    if (signal.aborted) return letGo(sent.src)
    loaded.push(sent.src)
    Object.assign(piece, { width: sent.width, height: sent.height })
    if (!piece.job?.result) makeRoom(piece)
    showBefore(sent.src)
  } catch {} // the preview is not needed
}

async function present(piece) {
  const { job } = piece
  const { signal } = looking
  asked = `painted ${job.id}`
  stopClock()
  $('progress').removeAttribute('value')
  setPhase('fetching', 'Fetching the picture')
  makeRoom(job.result)
  tell((told = ''))
  const onAway = (err) => tell(`${err.message} The job is safe; trying again…`, true)
  const hush = () => tell('')
  try {
    const [before, after] = await Promise.all([
      load(previewPath(job.id), signal).catch(() => undefined),
      patiently(() => load(job.result.url, signal), { signal, onAway, onBack: hush, limit: 5 }),
    ])
    const sources = [before?.src, after.src].filter(Boolean)
    if (signal.aborted) return sources.forEach(letGo)
    loaded.push(...sources)
    showBefore(before?.src ?? piece.picture?.url ?? after.src)
    $('after').src = after.src
    // A blob's address has no file name. Browsers ignore the attribute of an address of the API that
    // redirects to another server.
    const saved = after.src === job.result.url ? { href: `${after.src}?download=true`, download: '' } : { href: after.src, download: `atelier-${job.id}.${job.format}` }
    Object.assign($('download'), saved)
  } catch (err) {
    if (signal.aborted) return
    setPhase('failed', 'Painted')
    return tell(`${err.message} It is kept: reload the page to try again.`)
  }
  describe(job)
  setPhase('succeeded', 'Painted')
  if (unveiled.has(piece)) divider.rest()
  else divider.unveil()
  unveiled.add(piece)
}

// retitle updates the texts with the styles' titles, which may be loaded later.
export function retitle() {
  if (!current?.job) return
  if (document.body.dataset.phase === 'succeeded') describe(current.job)
  else if (!current.picture) describeAbsence(current)
}

// describe shows the style, the size and the times of a painted picture, as far as they are known.
function describe({ style, strength, result, receipt }) {
  const s = (ms) => `${(ms / 1000).toFixed(1)} s`
  $('after').alt = `The photograph, painted: ${titleOf(style)}`
  $('receipt').textContent = facts([
    titleOf(style) + (strength < 1 ? ` at ${Math.round(strength * 100)}%` : ''),
    `${result.width} × ${result.height}`,
    bytes(result.bytes),
    receipt && `waited ${s(receipt.queue_wait_ms)}`,
    receipt && `painted in ${s(receipt.decode_ms + receipt.stylize_ms + receipt.encode_ms)}`,
  ])
}

// facts joins the known parts, which are not broken at the end of a line.
const facts = (parts) => parts.filter(Boolean).map((part) => part.replaceAll(' ', '\u00a0')).join('\u00a0· ')

const bytes = (n) => (n < 1e6 ? `${Math.ceil(n / 1e3)} kB` : `${(n / 1e6).toFixed(1)} MB`)

// ---- Failures

// advice is what to do about a failed job, by its error code; the job's message is the reason.
const advice = {
  unsupported_image: `Save it as a ${document.documentElement.dataset.formats} and choose that.`,
  damaged_image: 'Open it in a viewer, save it again and choose that.',
  undecodable_image: 'Choose what was saved.',
  too_many_bytes: 'Make it smaller and choose it again.',
  too_many_pixels: 'Make it smaller and choose it again.',
  unknown_style: 'Choose another style.',
}

function reason({ error }) {
  const { code, message } = error ?? { message: 'no reason was given' }
  return `${sentence(message)} ${advice[code] ?? 'Paint it again; if that fails too, try a smaller size or another style.'}`
}

const over = 'Pictures are kept for a limited time, and this one has expired. Choose it again to paint it again.'

// ---- The clock

const long = 30 // seconds after which the page shows that the user need not wait
let ticking

function startClock(piece) {
  const tick = () => {
    const s = Math.floor((Date.now() - piece.began) / 1000)
    const time = s < 1 ? '' : s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`
    const before = piece.phase === 'queued' && piece.job.queue_position > 0 && `${piece.job.queue_position} before it`
    $('clock').textContent = [before, time].filter(Boolean).join(' · ')
    if (s >= long && $('notice').hidden) {
      tell('This takes a while. The job is safe: you can leave this page and come back later.', true)
    }
  }
  stopClock()
  if (piece.phase === 'sending') $('clock').textContent = `${Math.round(piece.sent * 100)}%`
  if (piece.phase !== 'queued' && piece.phase !== 'running') return
  tick()
  ticking = setInterval(tick, 1000)
}

function stopClock() {
  clearInterval(ticking)
  $('clock').textContent = ''
}
