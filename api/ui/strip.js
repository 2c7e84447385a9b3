// The strip of small pictures below the large one: the user's pieces and their phases. They are radio
// buttons, so that the arrow keys select them.

import { onceSeen, showIn, vacate } from './images.js'
import { busy, lookForPreview, pieces } from './pieces.js'
import { previewPath } from './preview.js'
import { shortTitleOf } from './styles.js'

const $ = (id) => document.getElementById(id)
const labels = new Map() // by piece

const captions = {
  chosen: 'New',
  looking: '…',
  waiting: 'Waiting',
  sending: 'Sending',
  queued: 'Queued',
  running: 'Painting',
  succeeded: 'Painted',
  failed: 'Failed',
  canceled: 'Stopped',
  gone: 'Gone',
}

function make(piece) {
  const label = document.createElement('label')
  const input = Object.assign(document.createElement('input'), { type: 'radio', name: 'piece' })
  input.addEventListener('change', () => chosen(piece))
  const image = Object.assign(new Image(72, 72), { loading: 'lazy' })
  label.append(input, image, document.createElement('small'), document.createElement('span'))
  labels.set(piece, label)
  $('pieces').append(label)
  return label
}

let chosen
// onChoice sets the listener for the piece that the user selects.
export const onChoice = (listen) => (chosen = listen)

// retitle draws all pieces again with the styles' titles, which may be loaded later.
export const retitle = () => pieces.forEach(draw)

// update draws a piece as it is now.
export function update(piece) {
  if (piece.phase === 'removed') {
    const label = labels.get(piece)
    if (label) vacate(label.children[1])
    label?.remove()
    labels.delete(piece)
  } else {
    draw(piece)
  }
  summarize()
}

function draw(piece) {
  const [, image, placeholder, caption] = (labels.get(piece) ?? make(piece)).children
  const { phase, job, picture } = piece
  const refused = phase === 'chosen' && piece.trouble
  image.alt = piece.name ?? 'A picture'
  image.parentElement.title = piece.name ?? ''
  image.parentElement.dataset.phase = refused ? 'failed' : phase
  caption.textContent = refused ? 'Not sent' : captions[phase]
  placeholder.textContent = job ? shortTitleOf(job.style) : ''
  if (job?.result) showIn(image, job.result.thumbnail_url ?? job.result.url)
  else if (picture && !image.src) image.src = picture.thumb
  else if (!picture && piece.preview === 'there') showIn(image, previewPath(job.id))
  else if (!picture && job) onceSeen(image, () => lookForPreview(piece))
}

// mark marks the piece on show; undefined marks none.
export function mark(piece) {
  for (const [other, label] of labels) label.firstElementChild.checked = other === piece
  const label = labels.get(piece)
  const row = $('pieces')
  if (label) row.scrollLeft = label.offsetLeft - row.offsetLeft - (row.clientWidth - label.clientWidth) / 2
}

export const focusOn = (piece) => labels.get(piece)?.firstElementChild.focus()

// ---- In words

const endings = { succeeded: 'painted', failed: 'failed', canceled: 'stopped', gone: 'gone' }
let going = 0

function tally(phases) {
  return Object.entries(phases)
    .map(([phase, word]) => [pieces.filter((piece) => piece.phase === phase).length, word])
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`)
    .join(', ')
}

function summarize() {
  const unfinished = pieces.filter(busy).length
  $('strip').hidden = pieces.length === 0
  $('count').textContent = [unfinished > 0 && `${unfinished} to go`, tally({ chosen: 'new', ...endings })].filter(Boolean).join(', ')
  $('clear').hidden = pieces.length === unfinished
  const focused = document.activeElement
  $('stop-all').hidden = unfinished < 2
  if (focused.hidden) $('paint').focus()
  // Only the end of several is read out; that of the one on show is in its status.
  if (unfinished > 1) $('heard').textContent = ''
  else if (unfinished === 0 && going > 0 && pieces.length > 1) $('heard').textContent = `All pictures are done: ${tally(endings)}.`
  going = unfinished
}
