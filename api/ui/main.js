// The page: which piece is on show, what the form would do, and what leads on.
//
// The job on show is named by the fragment, #job=ID, so that a reload and a
// shared link find it again.

import { checkKey } from './api.js'
import { ask } from './ask.js'
import { gotoKey, keyForm, keyMissing } from './key.js'
import * as list from './pieces.js'
import { fill, settings, summarize } from './settings.js'
import * as stage from './stage.js'
import * as strip from './strip.js'
import { askForStyle, offerStyles, setOwn } from './styles.js'
import { picker } from './upload.js'

const $ = (id) => document.getElementById(id)
const { pieces } = list

let selected // the piece on show
let named = location.hash // the fragment, as it was last read or written
let toFill // the piece whose job the form is to be filled with

// select puts a piece on show, or with none the empty stage.
function select(piece) {
  if (selected) selected.onShow = false
  selected = piece
  if (piece) piece.onShow = true
  strip.mark(piece)
  stage.show(piece)
  address()
  invite()
}

// address names the job on show. What the person has put there meanwhile stays:
// hashchange is about to tell of it.
function address() {
  const hash = selected?.id ? `#job=${selected.id}` : ''
  if (hash === named) return
  named = hash
  history.replaceState(null, '', hash || location.pathname + location.search)
}

// ---- What the form would do

const unpainted = () => pieces.filter((piece) => piece.phase === 'chosen')

// others are the pictures that were not painted with these settings yet, by the
// latest piece of each.
function others(wish) {
  const latest = new Map(pieces.map((piece) => [piece.source, piece]))
  for (const piece of pieces) if (list.madeLike(piece, wish)) latest.delete(piece.source)
  return [...latest.values()].filter((piece) => !list.obstacle(piece, wish))
}

// invite makes the buttons say what they would do and stand out when that is
// what comes next. Painting is never disabled: that would throw the keyboard's
// focus away.
function invite() {
  const wish = settings()
  const left = selected?.phase === 'chosen' || !selected ? unpainted() : []
  const same = Boolean(selected) && left.length === 0 && list.madeLike(selected, wish)
  const going = same && list.busy(selected)
  const obstacle = selected && left.length === 0 && !going ? list.obstacle(selected, wish) : ''
  const paint = $('paint')
  paint.textContent = going ? 'Painting…' : left.length > 1 ? `Paint ${left.length} pictures` : selected && left.length === 0 ? 'Paint again' : 'Paint'
  paint.setAttribute('aria-disabled', going || Boolean(obstacle))
  paint.classList.toggle('primary', Boolean(wish.fields.style) && Boolean(selected || left.length) && !same && !obstacle)
  const all = left.length > 0 ? [] : others(wish)
  $('paint-all').hidden = all.length < 2 || !wish.fields.style
  $('paint-all').textContent = `Paint all ${all.length} like this`
  $('paint-note').hidden = !selected || Boolean(selected.picture) || going || list.canRetry(selected, wish)
  $('paint-note').textContent = obstacle || 'This takes the preview, at most 1024 pixels: the original picture isn’t here.'
}

function paint(some) {
  if (some.length === 0) {
    stage.tell('Choose a picture first.')
    return $('file').focus()
  }
  if (keyMissing()) return gotoKey()
  stage.tell('')
  const wish = settings()
  if (!wish.fields.style) return askForStyle()
  const begun = some.map((piece) => list.paint(piece, wish))
  select(begun.find((piece) => piece.source === selected?.source) ?? begun[0])
  // On a phone the button is far below the picture.
  if ($('stage').getBoundingClientRect().top < 0) $('stage').scrollIntoView()
}

$('form').addEventListener('submit', (e) => {
  e.preventDefault()
  if ($('paint').getAttribute('aria-disabled') === 'true') return
  const left = selected?.phase === 'chosen' || !selected ? unpainted() : []
  paint(left.length > 0 || !selected ? left : [selected])
})

$('paint-all').addEventListener('click', () => {
  paint(others(settings()))
  $('paint').focus()
})

$('form').addEventListener('input', () => {
  summarize()
  invite()
})

// ---- The list

picker({
  input: $('file'),
  zone: document.body,
  own: $('own'),
  onRefused: stage.tell,
  onOwn: setOwn,
  onPicture(picture, first) {
    const piece = list.add(picture)
    if (first) select(piece)
  },
})

list.onChange((piece) => {
  strip.update(piece)
  if (piece === toFill && piece.job) {
    toFill = undefined
    fill(piece.job)
  }
  if (piece !== selected) return invite()
  if (piece.phase !== 'removed') stage.show(piece)
  else selectInstead(piece)
  address()
  invite()
})

// selectInstead shows the neighbour of a piece that is gone, or why it is gone.
function selectInstead(piece) {
  select(piece.trouble ? undefined : pieces[Math.min(piece.at, pieces.length - 1)])
  if (piece.trouble) stage.tell(piece.trouble)
}

strip.onChoice(select)

$('stop').addEventListener('click', () => list.stop(selected))
$('stop-all').addEventListener('click', () => pieces.filter(list.busy).forEach(list.stop))
$('remove').addEventListener('click', () => leave(() => list.remove(selected)))

$('erase').addEventListener('click', async () => {
  const piece = selected
  const sure = await ask({
    title: 'Erase this picture?',
    text: 'The photograph, what was painted of it and everything else about the job are erased on the server, for good.',
    yes: 'Erase',
    no: 'Keep it',
  })
  if (!sure) return
  try {
    await leave(() => list.erase(piece))
  } catch (err) {
    stage.tell(`${err.message} Nothing was erased.`)
  }
})

$('clear').addEventListener('click', async () => {
  const sure = await ask({
    title: 'Clear the list?',
    text: 'What was painted stays on the server for as long as it is kept there, but this page forgets it. What is being painted stays in the list.',
    yes: 'Clear the list',
    no: 'Keep it',
  })
  if (sure) leave(list.clear)
})

// leave does what takes the picture on show away, and keeps the focus near.
async function leave(act) {
  await act()
  if (selected) strip.focusOn(selected)
  else $('file').focus()
}

// What is on its way would be lost.
addEventListener('beforeunload', (e) => pieces.some(list.unsent) && e.preventDefault())

// ---- The start

keyForm({
  check: checkKey,
  onForget() {
    list.forgetAll() // what others at this device should not see
    location.replace(location.pathname)
  },
})

function route() {
  named = location.hash
  const id = new URLSearchParams(location.hash.slice(1)).get('job')
  if (id === null) return select(undefined)
  toFill = list.find(id)
  if (toFill.job) fill(toFill.job)
  select(toFill)
}

addEventListener('hashchange', route)
if (keyMissing()) gotoKey()
list.restore()
summarize()
route()
offerStyles().then(() => {
  invite()
  strip.retitle()
  stage.retitle()
})
