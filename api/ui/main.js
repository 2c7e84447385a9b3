// The page: which phase it is in, what it shows there and what leads on.
//
//   empty -> chosen -> sending -> queued -> running -> succeeded | failed
//
// The job on show is named by the fragment, #job=ID, so that a reload, the
// back button and a shared link all find it again.

import { Problem, cancelJob, getPreview, jobPath, sentence, submit } from './api.js'
import { comparison } from './compare.js'
import { patiently, watch } from './job.js'
import { askForStyle, fields, fill, offerStyles, styleChosen, summarize, titleOf } from './settings.js'
import { open, picker } from './upload.js'

const $ = (id) => document.getElementById(id)
const frame = $('frame')
const divider = comparison(frame, $('compare'))

let picture // what would be painted: {file, url, width, height}
let shown // the job on show, as last heard of
let task = new AbortController() // what is being sent or watched
let key = newKey() // of the next submission
let news = true // there is something to paint that has not been painted
const sent = new Map() // the pictures of this visit's jobs, by job

// ---- Phases

const phase = () => document.body.dataset.phase
const busy = () => ['sending', 'queued', 'running'].includes(phase())

function show(phase, status) {
  document.body.dataset.phase = phase
  for (const part of document.querySelectorAll('[data-in]')) {
    part.hidden = !part.dataset.in.split(' ').includes(phase)
  }
  if (phase !== 'sending' && !shown) $('stop').hidden = true // nothing is known yet that could be stopped
  say(status)
  stopClock()
  $('progress').removeAttribute('value')
  invite()
}

// invite makes the button say what it would do and stand out when that is what
// comes next. It is never disabled: that would throw the keyboard's focus away.
function invite() {
  const paint = $('paint')
  paint.textContent = busy() ? 'Painting…' : shown ? 'Paint again' : 'Paint'
  paint.setAttribute('aria-disabled', busy())
  paint.classList.toggle('primary', news && Boolean(picture ?? shown) && styleChosen())
  $('paint-note').hidden = busy() || !shown || Boolean(picture)
}

// back returns from a job that came to nothing to what there was before it.
function back() {
  shown = undefined
  news = true
  if (picture) showChosen()
  else show('empty', '')
}

// say changes the line that is read out; the same words twice are not.
function say(status) {
  if ($('status').textContent !== status) $('status').textContent = status
}

// tell shows what went wrong and what to do; calm where nothing needs doing.
function tell(text, calm = false) {
  $('notice').textContent = text
  $('notice').classList.toggle('calm', calm)
  $('notice').hidden = false
}

function hush() {
  $('notice').hidden = true
  $('notice').textContent = ''
}

// begin ends what was going on and answers the signal of what follows.
function begin() {
  task.abort()
  task = new AbortController()
  hush()
  return task.signal
}

function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16)) // randomUUID is for https alone
  return Array.from(random, (b) => b.toString(16).padStart(2, '0')).join('')
}

// changed is called when painting would make something new.
function changed() {
  key = newKey()
  news = true
}

// ---- The picture

// makeRoom gives the picture its place before it is there.
function makeRoom(width, height) {
  frame.style.setProperty('--ratio', width / height)
}

function showBefore(src) {
  if (src) $('before').src = src
  else $('before').removeAttribute('src')
}

function showChosen() {
  makeRoom(picture.width, picture.height)
  showBefore(picture.url)
  $('receipt').textContent = facts([picture.file.name, `${picture.width} × ${picture.height}`, bytes(picture.file.size)])
  show('chosen', '')
}

picker({
  input: $('file'),
  zone: document.body,
  onRefused: tell,
  onPicture(chosen) {
    begin()
    changed()
    picture = chosen
    shown = undefined
    if (location.hash) history.pushState(null, '', location.pathname + location.search)
    showChosen()
  },
})

// facts joins what is known; the parts stay whole at the end of a line.
const facts = (parts) => parts.filter(Boolean).map((part) => part.replaceAll(' ', '\u00a0')).join('\u00a0· ')

const bytes = (n) => (n < 1e6 ? `${Math.ceil(n / 1e3)} kB` : `${(n / 1e6).toFixed(1)} MB`)

// ---- Painting

async function paint() {
  if (busy()) return
  if (!picture && !shown) {
    tell('Choose a picture first.')
    return $('file').focus()
  }
  if (!styleChosen()) return askForStyle()
  const signal = begin()
  const earlier = shown
  let job
  show('sending', 'Sending the picture')
  // On a phone the button is far below the picture.
  if ($('stage').getBoundingClientRect().top < 0) $('stage').scrollIntoView()
  try {
    // A job opened by its link: its picture is not here, only its preview is.
    picture ??= await open(new File([await getPreview(earlier.id, signal)], 'preview.jpg', { type: 'image/jpeg' }))
    makeRoom(picture.width, picture.height)
    showBefore(picture.url)
    const form = fields()
    form.set('image', picture.file)
    job = await submit(form, key, { signal, onProgress })
  } catch (err) {
    if (signal.aborted) return
    back()
    return tell(err.message + (err.temporary ? ' Your picture and settings are still here: press Paint to try again.' : ''))
  }
  key = newKey()
  news = false
  sent.set(job.id, picture)
  history.pushState({ width: picture.width, height: picture.height }, '', `#job=${job.id}`)
  follow(job.id, signal, job)
}

function onProgress(part) {
  $('progress').value = part * 100
  $('clock').textContent = `${Math.round(part * 100)}%`
}

$('form').addEventListener('input', () => {
  changed()
  summarize()
  invite()
})

$('form').addEventListener('submit', (e) => {
  e.preventDefault()
  paint()
})

$('stop').addEventListener('click', async () => {
  if (phase() === 'sending') {
    begin()
    back()
    return $('paint').focus()
  }
  const { signal } = task
  try {
    await cancelJob(shown.id, signal)
    $('paint').focus() // who watches the job hears of it, and the button goes
  } catch (err) {
    // Finished already is no news: what became of it is about to be shown.
    if (!signal.aborted && err.status !== 409) tell(err.message)
  }
})

// ---- Following a job

// follow watches a job to its end and shows that. known is the job where it
// was just submitted.
async function follow(id, signal, known) {
  const onJob = (job, now) => {
    const first = !shown
    shown = job
    if (first && !known) {
      fill(job)
      if (!picture) showPreview(job, signal)
    }
    if (job.state === 'queued') {
      show('queued', job.queue_position > 0 ? `In the queue, ${job.queue_position} before it` : 'In the queue')
      startClock(now - Date.parse(job.created_at))
    } else if (job.state === 'running') {
      show('running', job.attempts > 1 ? `Painting, attempt ${job.attempts}` : 'Painting')
      startClock(now - Date.parse(job.started_at))
    }
  }
  if (known) onJob(known, Date.parse(known.created_at))
  try {
    await watch(id, { signal, onJob, onAway, onBack: hush })
  } catch (err) {
    if (signal.aborted) return
    back()
    return tell(err.message)
  }
  hush()
  if (shown.state === 'succeeded') await present(shown, signal)
  else explain(shown)
}

const onAway = (err) => tell(`${err.message} The job is safe; trying again…`, true)

async function load(src) {
  const image = new Image()
  image.src = src
  try {
    await image.decode()
  } catch {
    throw new Problem('The picture can’t be fetched.') // an img doesn't say why
  }
  return image
}

async function showPreview(job, signal) {
  try {
    const image = await load(`${jobPath(job.id)}/preview`)
    if (signal.aborted) return
    if (!shown.result) makeRoom(image.naturalWidth, image.naturalHeight)
    showBefore(image.src)
  } catch {} // the job goes on without; a damaged picture has none
}

async function present(job, signal) {
  makeRoom(job.result.width, job.result.height)
  say('Fetching the picture')
  let before, after
  try {
    ;[before, after] = await Promise.all([
      load(`${jobPath(job.id)}/preview`).catch(() => undefined),
      patiently(() => load(job.result.url), { signal, onAway, onBack: hush, limit: 5 }),
    ])
  } catch (err) {
    if (signal.aborted) return
    show('failed', 'Painted')
    return tell(`${err.message} It is kept: reload the page to try again.`)
  }
  if (signal.aborted) return
  showBefore(before?.src ?? picture?.url ?? after.src)
  $('after').src = after.src
  $('download').href = job.result.url
  describe(job)
  show('succeeded', 'Painted')
  divider.unveil()
}

// describe says what was painted and what it took, as far as that is known.
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

// advice says what to do about a failed job; the job itself says why it failed.
const advice = {
  unsupported_image: 'Save it as a JPEG, PNG, WebP or GIF and choose that.',
  damaged_image: 'Open it in a viewer, save it again and choose that.',
  too_many_bytes: 'Make it smaller and choose it again.',
  too_many_pixels: 'Make it smaller and choose it again.',
  unknown_style: 'Choose another style.',
}

function explain(job) {
  news = true
  if (job.state === 'failed') {
    show('failed', 'It could not be painted')
    const { code, message } = job.error ?? { message: 'no reason was given' }
    tell(`${sentence(message)} ${advice[code] ?? 'Paint it again; if that fails too, try a smaller size or another style.'}`)
  } else if (job.state === 'canceled') {
    show('failed', 'Stopped before it was painted')
  } else {
    show('failed', 'No longer here')
    tell('Pictures are kept for a while only, and this one’s time is over. Choose it again to paint it again.')
  }
}

// ---- The clock

const long = 30 // seconds, after which to say that nobody has to wait here
let ticking

function startClock(elapsed) {
  const began = Date.now() - Math.max(0, elapsed)
  const tick = () => {
    const s = Math.floor((Date.now() - began) / 1000)
    $('clock').textContent = s < 1 ? '' : s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`
    if (s >= long && $('notice').hidden) {
      tell('It takes a while. The job is safe: leave, and come back to this address whenever you like.', true)
    }
  }
  stopClock()
  tick()
  ticking = setInterval(tick, 1000)
}

function stopClock() {
  clearInterval(ticking)
  $('clock').textContent = ''
}

// ---- The address

function route() {
  const signal = begin()
  const id = new URLSearchParams(location.hash.slice(1)).get('job')
  if (id === null) return back()
  shown = undefined
  news = false
  picture = sent.get(id)
  const { width, height } = picture ?? history.state ?? { width: 4, height: 3 }
  makeRoom(width, height)
  showBefore(picture?.url)
  show('queued', 'Looking for the job')
  follow(id, signal)
}

addEventListener('hashchange', route)
summarize()
route()
offerStyles().then(() => {
  invite()
  if (phase() === 'succeeded') describe(shown) // with the styles' titles now
})
