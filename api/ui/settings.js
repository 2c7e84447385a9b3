// The form: what is chosen, and how it is put for people and for the API.

import { pickStyle, style, styleFile } from './styles.js'

const form = document.getElementById('form')

// As the API has it: pictures are shown to all where there are no keys.
form.elements.public.checked = document.documentElement.dataset.keys === 'none'

// signature tells what would be painted alike.
const signature = (chosen, file) =>
  [
    ...['style', 'strength', 'size', 'format', 'preserve_colors', 'public'].map((name) => chosen[name]),
    ...(file ? [file.name, file.size, file.lastModified] : []),
  ].join('|')

// settings answers what is chosen: {fields, file, signature}, the fields as the
// API wants them and file the style picture, where there is one.
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

// settingsOf answers the signature of what a job was made with.
export const signatureOf = (job) => signature(job)

// submission is the form to send for a picture.
export function submission({ fields, file }, picture) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (name !== 'style' || !file) form.set(name, value)
  }
  if (file) form.set('style_image', file)
  form.set('image', picture)
  return form
}

// fill sets the form to what a job was made with.
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

// summarize keeps in view what is chosen where it would not be seen.
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
