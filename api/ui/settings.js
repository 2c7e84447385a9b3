// The form: the chosen settings, as texts and as the API's fields.

import { pickStyle, style, styleFile } from './styles.js'

const form = document.getElementById('form')

// The API's default: pictures are public if there are no keys.
form.elements.public.checked = document.documentElement.dataset.keys === 'none'

// signature is equal for settings with equal results.
const signature = (chosen, file) =>
  [
    ...['style', 'strength', 'size', 'format', 'preserve_colors', 'public'].map((name) => chosen[name]),
    ...(file ? [file.name, file.size, file.lastModified] : []),
  ].join('|')

// settings returns the chosen settings: {fields, file, signature}, the API's fields and the style
// picture, if there is one.
export function settings() {
  const chosen = new FormData(form)
  const file = styleFile()
  const fields = {
    style: style(),
    strength: chosen.get('strength') / 100,
    size: chosen.get('size'),
    format: chosen.get('format'),
    preserve_colors: chosen.has('preserve_colors'),
    public: chosen.has('public'),
  }
  return { fields, file, signature: signature(fields, file) }
}

// signatureOf returns the signature of a job's settings.
export const signatureOf = (job) => signature(job)

// submission returns the form to send for a picture.
export function submission({ fields, file }, picture) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (name !== 'style' || !file) form.set(name, value)
  }
  if (file) form.set('style_image', file)
  form.set('image', picture)
  return form
}

// fill sets the form to a job's settings.
export function fill(job) {
  const { strength, size, format, preserve_colors } = form.elements
  strength.value = job.strength * 100
  size.value = job.size
  format.value = job.format
  preserve_colors.checked = job.preserve_colors
  form.elements.public.checked = job.public
  pickStyle(job.style)
  summarize()
}

// summarize shows the settings that are chosen in the closed part of the form.
export function summarize() {
  const chosen = new FormData(form)
  document.getElementById('strength-now').textContent = `${chosen.get('strength')}%`
  document.getElementById('more-now').textContent = [
    chosen.get('size') === '0' ? 'as it is' : `${chosen.get('size')} px`,
    form.querySelector('[name=format]:checked').nextElementSibling.textContent,
    ...(chosen.has('preserve_colors') ? ['own colours'] : []),
    chosen.has('public') ? 'public' : 'private',
  ].join(', ')
}
