// The texts about a picture.

const title = (name) => (name === 'custom' ? 'A style of its own' : (name[0].toUpperCase() + name.slice(1)).replaceAll('-', ' '))

// styleOf formats a style such as "night-swirls", or a blend such as "night-swirls:0.7,mosaic:0.3".
export function styleOf(job) {
  const parts = job.style.split(',').map((part) => {
    const [name, weight] = part.split(':')
    return title(name) + (weight ? ` ${Math.round(weight * 100)}%` : '')
  })
  return parts.join(' + ') + (job.strength < 1 ? `, at ${Math.round(job.strength * 100)}%` : '')
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function factsOf(job) {
  const { width, height, bytes } = job.result
  const size = bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`
  return `${when.format(new Date(job.finished_at))} · ${width} × ${height} · ${size}`
}
