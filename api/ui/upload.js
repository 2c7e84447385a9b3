// Takes a picture from the person: chosen, dropped anywhere on the page, or
// pasted. It is looked at here, so that what the server would refuse need not
// travel there first.

export const maxBytes = 20 * 2 ** 20
const types = ['image/jpeg', 'image/png', 'image/webp', 'image/gif']

// picker calls onPicture with {file, url, width, height} for each good picture
// and onRefused with a sentence for anything else. zone shows that a drop
// would be welcome.
export function picker({ input, zone, onPicture, onRefused }) {
  let latest // a slow picture must not replace one chosen after it
  const take = async (file) => {
    if (!file) return
    latest = file
    try {
      const picture = await open(file)
      if (latest === file) onPicture(picture)
      else URL.revokeObjectURL(picture.url)
    } catch (err) {
      if (latest === file) onRefused(err.message)
    }
  }

  input.addEventListener('change', () => {
    take(input.files[0])
    input.value = '' // so that choosing the same file again counts
  })

  const carriesFiles = (e) => e.dataTransfer?.types.includes('Files')
  addEventListener('dragover', (e) => {
    if (!carriesFiles(e)) return
    e.preventDefault()
    e.dataTransfer.dropEffect = 'copy'
    zone.classList.add('over')
  })
  addEventListener('dragleave', (e) => {
    if (!e.relatedTarget) zone.classList.remove('over') // it left the window
  })
  addEventListener('drop', (e) => {
    if (!carriesFiles(e)) return
    e.preventDefault() // or the browser leaves the page to show the file
    zone.classList.remove('over')
    take(e.dataTransfer.files[0])
  })
  addEventListener('paste', (e) => take(e.clipboardData?.files[0]))
}

// open checks a file and learns its shape before it is shown, so that the page
// can make room for it.
export async function open(file) {
  if (!types.includes(file.type)) {
    throw new Error(`${named(file)} is no JPEG, PNG, WebP or GIF. Save or export it as one of these and choose it again.`)
  }
  if (file.size > maxBytes) {
    throw new Error(
      `${named(file)} has ${(file.size / 2 ** 20).toFixed(1)} MiB; at most 20 MiB can be sent. ` +
        'Save it smaller, or as a JPEG, and choose it again.',
    )
  }
  const url = URL.createObjectURL(file)
  const image = new Image()
  image.src = url
  try {
    await image.decode()
  } catch {
    URL.revokeObjectURL(url)
    throw new Error(`${named(file)} can’t be opened as a picture. Open it in a viewer, save it again and choose that.`)
  }
  return { file, url, width: image.naturalWidth, height: image.naturalHeight }
}

const named = (file) => (file.name ? `“${file.name}”` : 'That')
