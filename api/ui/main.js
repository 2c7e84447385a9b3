// The page: which piece is on show, what the form would do, and the actions.
//
// The fragment contains the job on show, #job=ID, so that a reload and a shared link find it again.

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
let toFill // the piece whose settings the form will get

// select shows a piece, or the empty stage for undefined.
function select(piece) {
  if (selected) selected.onShow = false
  selected = piece
  if (piece) piece.onShow = true
  strip.mark(piece)
  stage.show(piece)
  address()
  invite()
}

// address puts the job on show into the fragment. A fragment that the user has entered in the meantime
// stays, since hashchange will handle it.
function address() {
  const hash = selected?.id ? `#job=${selected.id}` : ''
  if (hash === named) return
  named = hash
  history.replaceState(null, '', hash || location.pathname + location.search)
}

// ---- What the form would do

const unpainted = () => pieces.filter((piece) => piece.phase === 'chosen')

// others returns the pictures that were not painted with these settings yet: the latest piece of each.
function others(wish) {
  const latest = new Map(pieces.map((piece) => [piece.source, piece]))
  for (const piece of pieces) if (list.madeLike(piece, wish)) latest.delete(piece.source)
  return [...latest.values()].filter((piece) => !list.obstacle(piece, wish))
}

// invite updates the buttons' texts, and highlights the next step. Painting is never disabled, because a
// disabled button loses the keyboard's focus.
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

// selectInstead shows the neighbour of a removed piece, or why it was removed.
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
    text: 'The photograph, its painting and all other data of the job are erased on the server, permanently.',
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
    text: 'Finished pictures stay on the server until they expire, but this page no longer lists them. Unfinished ones stay in the list.',
    yes: 'Clear the list',
    no: 'Keep it',
  })
  if (sure) leave(list.clear)
})

// leave performs an action that removes the picture on show, and keeps the focus near.
async function leave(act) {
  await act()
  if (selected) strip.focusOn(selected)
  else $('file').focus()
}

// Unsent pictures would be lost.
addEventListener('beforeunload', (e) => pieces.some(list.unsent) && e.preventDefault())

// ---- The start

keyForm({
  check: checkKey,
  onForget() {
    list.forgetAll() // other users of this device should not see the list
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
