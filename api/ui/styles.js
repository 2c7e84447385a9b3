// The style: one of the server's, a blend of several, or the user's own picture.

import { getStyles } from './api.js'
import { patiently } from './job.js'
import { close } from './upload.js'

const $ = (id) => document.getElementById(id)
const note = $('styles-note')
const tiles = $('tiles')
const most = 4 // styles in a blend; the API refuses more

const titles = new Map() // of the styles, by name
const shares = new Map() // of a blend's styles in percent, by name, in the order of choosing
let own // the user's style picture
let wanted // the style of a job that was opened before the styles were loaded

const blending = () => $('blend').checked
const inputs = () => [...tiles.querySelectorAll('input')]
const inputOf = (name) => inputs().find((i) => i.value === name)
const ownChosen = () => $('own-choice').firstElementChild.checked

// offerStyles fetches the styles, however long that takes, and shows them in place of the empty tiles.
export async function offerStyles() {
  const styles = await patiently(getStyles, {
    onAway: (err) => (note.textContent = `${err.message} Trying again…`),
  })
  for (const { name, title } of styles) titles.set(name, title)
  tiles.replaceChildren(...styles.map(tile))
  tiles.removeAttribute('aria-busy')
  $('blend-switch').hidden = styles.length < 2
  note.textContent = styles.length > 0 ? '' : 'This server offers no styles. Choose a style picture of your own.'
  pickStyle(wanted)
}

function tile({ name, title, thumbnail_url }) {
  const label = document.createElement('label')
  const text = document.createElement('span')
  text.textContent = title
  label.append(
    Object.assign(document.createElement('input'), { type: 'radio', name: 'style', value: name }),
    Object.assign(new Image(240, 240), { alt: '', src: thumbnail_url }), // the title describes it
    text,
  )
  return label
}

// style returns the chosen style as the API names it; custom for the user's own picture, and undefined
// if nothing is chosen.
export function style() {
  if (!blending()) return inputs().find((i) => i.checked)?.value ?? (ownChosen() ? 'custom' : undefined)
  const names = [...shares.keys()]
  if (names.length < 2) return names[0]
  return names.map((name) => `${name}:${shares.get(name) / 100}`).join(',')
}

export const styleFile = () => (ownChosen() && !blending() ? own?.file : undefined)

// askForStyle shows, beside the styles, that none is chosen.
export function askForStyle() {
  const [first] = inputs()
  if (first) note.textContent = 'Choose a style first.'
  ;(first ?? $('own-file')).focus()
  note.scrollIntoView({ block: 'nearest' })
}

const parse = (style) => style.split(',').map((part) => part.split(':'))

// titleOf returns the title of a style, a blend such as a:0.7,b:0.3 or a style picture.
export function titleOf(style) {
  if (style === 'custom') return 'Own style'
  const parts = parse(style)
  const named = ([name, weight]) =>
    (titles.get(name) ?? name) + (parts.length > 1 ? ` ${Math.round(weight * 100)}%` : '')
  return parts.map(named).join(' + ')
}

// shortTitleOf returns a title with one style at most, for small places.
export function shortTitleOf(style) {
  const others = parse(style).length - 1
  return titleOf(style.split(':')[0]) + (others > 0 ? ` + ${others}` : '')
}

// pickStyle chooses a job's style, unless that is a style picture, which is not here.
export function pickStyle(style) {
  wanted = style
  if (!style || style === 'custom' || tiles.hasAttribute('aria-busy')) return
  const parts = parse(style)
  $('blend').checked = parts.length > 1
  shares.clear()
  if (parts.length > 1) for (const [name, weight] of parts) shares.set(name, Math.round(weight * 100))
  setKind()
  for (const input of inputs()) input.checked = parts.some(([name]) => name === input.value)
  showShares()
}

// ---- Blending

// setKind allows choosing one style, or several.
function setKind() {
  for (const input of inputs()) input.type = blending() ? 'checkbox' : 'radio'
  $('own').hidden = blending()
}

// settle sets one style's share and scales the others to the rest, each to one percent at least.
function settle(name, share) {
  const others = [...shares.keys()].filter((other) => other !== name)
  let rest = 100 - share
  let whole = others.reduce((sum, other) => sum + shares.get(other), 0)
  others.forEach((other, i) => {
    const old = shares.get(other)
    const later = others.length - 1 - i
    const part = Math.min(rest - later, Math.max(1, Math.round((old / whole) * rest)))
    shares.set(other, part)
    whole -= old
    rest -= part
  })
  shares.set(name, share)
}

function toggle(name, chosen) {
  if (chosen) {
    shares.set(name, 0)
    settle(name, Math.round(100 / shares.size))
  } else {
    shares.delete(name)
    const [first] = shares.keys()
    const left = [...shares.values()].reduce((sum, share) => sum + share, 0)
    if (first) settle(first, Math.round((100 * shares.get(first)) / left))
  }
}

function showShares() {
  for (const input of inputs()) {
    if (shares.size > 1 && shares.has(input.value)) input.parentElement.dataset.share = `${shares.get(input.value)}%`
    else delete input.parentElement.dataset.share
  }
  const names = blending() ? [...shares.keys()] : []
  const rows = $('shares').children
  if (rows.length !== names.length || names.some((name, i) => rows[i].dataset.style !== name)) {
    $('shares').replaceChildren(...names.map(shareRow))
  }
  for (const row of rows) {
    const slider = row.querySelector('input')
    slider.max = names.length > 1 ? 101 - names.length : 100
    slider.value = shares.get(row.dataset.style)
    slider.disabled = names.length < 2
    row.querySelector('output').textContent = `${shares.get(row.dataset.style)}%`
  }
  if (blending()) note.textContent = names.length < 2 ? `Choose up to ${most} styles to blend.` : ''
}

function shareRow(name) {
  const row = Object.assign(document.createElement('div'), { className: 'field' })
  row.dataset.style = name
  const id = `share-${name}`
  row.append(
    Object.assign(document.createElement('label'), { htmlFor: id, textContent: titles.get(name) ?? name }),
    document.createElement('output'),
    Object.assign(document.createElement('input'), { id, className: 'slide', type: 'range', min: 1 }),
  )
  return row
}

$('shares').addEventListener('input', (e) => {
  settle(e.target.closest('.field').dataset.style, Number(e.target.value))
  showShares()
})

$('blend').addEventListener('input', () => {
  const chosen = inputs().find((i) => i.checked)?.value
  const [heaviest] = [...shares].sort(([, a], [, b]) => b - a).map(([name]) => name)
  shares.clear()
  if (blending() && chosen) shares.set(chosen, 100)
  setKind()
  const keep = blending() ? chosen : heaviest
  for (const input of inputs()) input.checked = input.value === keep
  note.textContent = ''
  showShares()
})

tiles.addEventListener('input', ({ target }) => {
  note.textContent = ''
  if (!blending()) return
  if (target.checked && shares.size === most) {
    target.checked = false
    note.textContent = `A blend has at most ${most} styles: take one out first.`
    return
  }
  toggle(target.value, target.checked)
  showShares()
})

// ---- The user's own picture

// setOwn sets the style picture, or removes it with undefined.
export function setOwn(picture) {
  if (own) close(own)
  own = picture
  const [radio, image, text] = $('own-choice').children
  $('own-choice').hidden = $('own-replace').hidden = $('own-remove').hidden = !own
  $('own-empty').hidden = Boolean(own)
  radio.checked = Boolean(own)
  image.src = own?.thumb ?? ''
  text.textContent = own ? own.file.name || 'Your own' : ''
  note.textContent = ''
  radio.dispatchEvent(new Event('input', { bubbles: true }))
}

$('own-remove').addEventListener('click', () => {
  setOwn(undefined)
  $('own-file').focus()
})
