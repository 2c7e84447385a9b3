// The form: which styles there are, what is chosen and how it is put for people
// and for the API.

import { getStyles } from './api.js'
import { patiently } from './job.js'

const form = document.getElementById('form')
const note = document.getElementById('styles-note')
const tiles = document.getElementById('tiles')
const titles = new Map() // of the styles, by name
let wanted // the style of a job that was opened before the styles were here

// offerStyles fetches the styles, however long that takes, and puts them where
// their empty places are.
export async function offerStyles() {
  const styles = await patiently(getStyles, {
    onAway: (err) => (note.textContent = `${err.message} Trying again…`),
  })
  for (const { name, title } of styles) titles.set(name, title)
  tiles.replaceChildren(...styles.map(tile))
  tiles.addEventListener('input', () => (note.textContent = ''))
  tiles.removeAttribute('aria-busy')
  note.textContent = styles.length > 0 ? '' : 'This server offers no styles, so there is nothing to paint with yet.'
  pick(wanted)
}

function tile({ name, title, thumbnail_url }) {
  const label = document.createElement('label')
  const text = document.createElement('span')
  text.textContent = title
  label.append(
    Object.assign(document.createElement('input'), { type: 'radio', name: 'style', value: name }),
    Object.assign(new Image(240, 240), { alt: '', src: thumbnail_url }), // the title says it
    text,
  )
  return label
}

const radios = () => [...form.querySelectorAll('[name=style]')]

function pick(style) {
  const radio = radios().find((r) => r.value === style)
  if (radio) radio.checked = true
}

// styleChosen says whether there is a style to paint with.
export const styleChosen = () => radios().some((r) => r.checked)

// askForStyle says that one is missing, where the styles are.
export function askForStyle() {
  const [first] = radios()
  if (first) note.textContent = 'Choose one of these first.'
  first?.focus()
  note.scrollIntoView({ block: 'nearest' })
}

// titleOf names a style, a blend such as a:0.7,b:0.3 or a style picture.
export function titleOf(style) {
  if (style === 'custom') return 'Own style'
  const parts = style.split(',').map((part) => part.split(':'))
  const named = ([name, weight]) =>
    (titles.get(name) ?? name) + (parts.length > 1 ? ` ${Math.round(weight * 100)}%` : '')
  return parts.map(named).join(' + ')
}

// fill sets the form to what a job was made with.
export function fill(job) {
  const { strength, size, format, preserve_colors } = form.elements
  strength.value = job.strength * 100
  size.value = job.size
  format.value = job.format
  preserve_colors.checked = job.preserve_colors
  pick((wanted = job.style))
  summarize()
}

// fields answers the form as the API wants it, without the picture.
export function fields() {
  const chosen = new FormData(form)
  chosen.set('strength', chosen.get('strength') / 100)
  chosen.set('preserve_colors', chosen.has('preserve_colors'))
  return chosen
}

// summarize keeps in view what is chosen where it would not be seen.
export function summarize() {
  const chosen = new FormData(form)
  document.getElementById('strength-now').textContent = `${chosen.get('strength')}%`
  document.getElementById('more-now').textContent = [
    chosen.get('size') === '0' ? 'as it is' : `${chosen.get('size')} px`,
    form.querySelector('[name=format]:checked').nextElementSibling.textContent,
    ...(chosen.has('preserve_colors') ? ['own colours'] : []),
  ].join(', ')
}
