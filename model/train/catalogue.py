"""Makes everything that belongs to the named styles from a finished model: pictures, vectors,
thumbnails, and a contact sheet.

It writes pkg/style/catalogue.json, pkg/style/pictures/, pkg/style/thumbnails/,
model/atelier/styles.json and model/contact-sheet.jpg, in the repository's root.
"""

import argparse
import io
import json
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

import data
import styles
from shipped import Model
from teacher import Teacher

NAME = "atelier-5"
THUMBNAIL = 240


def cuts(picture):
    """Return the whole picture and six halves of it. Their mean vector varies less than the
    vector of one part.
    """
    rng = np.random.default_rng(0)
    return [data.squeeze(picture)] + [data.crop(rng, picture, data.STYLE_SIDE, 0.5, 0.5) for _ in range(6)]


def vector_of(teacher, picture):
    """Return the vector to store for a named style, [1,100]. The teacher computes it from the
    style's picture, and our transformer paints with it.
    """
    return teacher.vectors_of(cuts(picture)).mean(0, keepdims=True).astype(np.float32)


def photograph(path, longest):
    image = Image.open(path).convert("RGB")
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(image)


def painted(paint, picture, vector):
    """Return painted pictures, uint8 as the given ones. paint is the function of a model or of
    the teacher.
    """
    height, width = (side // 4 * 4 for side in picture.shape[:2])
    result = np.asarray(paint(data.as_float(picture[None, :height, :width]), vector))[0]
    return (np.clip(result, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_vectors(path, vectors):
    """Write one style per line, its numbers with six significant digits."""
    lines = [f"  {json.dumps(name)}: [{', '.join(f'{x:.6g}' for x in vector[0])}]" for name, vector in vectors.items()]
    path.write_text(f'{{"model": "{NAME}", "vectors": {{\n' + ",\n".join(lines) + "\n}}\n")


def contact_sheet(path, photos, rows, side=174, limit=600_000):
    """Make a picture with the styles as rows, in two halves side by side. The columns are
    photographs, each painted by the teacher and by our model.
    """
    gap, left, head, high = 6, 130, 24, int(side * 0.68)
    columns = [(name, kind) for name in photos for kind in ("teacher", "ours")]
    half = (len(rows) + 1) // 2
    wide, tall = left + len(columns) * (side + gap) + 18, high + gap
    sheet = Image.new("RGB", (2 * wide - 18, head + (half + 1) * tall), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)

    def put(picture, x, y):
        image = Image.fromarray(picture)
        image.thumbnail((side, high), Image.Resampling.LANCZOS)
        sheet.paste(image, (x, y))

    for start in (0, wide):
        for column, (name, kind) in enumerate(columns):
            x = start + left + column * (side + gap)
            pen.text((x, 4), f"{name}: {kind}", "black", font)
            if kind == "teacher":  # the photograph itself, over both
                put(photos[name], x, head)
                pen.text((x + side + gap, head + high // 2 - 8), "the photograph", "black", font)
    for number, (title, style, pictures) in enumerate(rows):
        start, y = number // half * wide, head + (number % half + 1) * tall
        sheet.paste(Image.fromarray(style).resize((high - 18, high - 18), Image.Resampling.LANCZOS), (start + 4, y))
        pen.text((start + 4, y + high - 17), title, "black", font)
        for column, picture in enumerate(pictures):
            put(picture, start + left + column * (side + gap), y)
    for quality in range(90, 20, -5):
        out = io.BytesIO()
        sheet.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= limit:
            break
    path.write_bytes(out.getvalue())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder, for teacher/")
    parser.add_argument("root", type=pathlib.Path, help="the repository's root")
    parser.add_argument("photos", type=pathlib.Path, help="folder with scikit-image's coffee.png and chelsea.png")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    model, teacher = Model(options.root / "model/atelier"), Teacher(options.folder / "teacher")
    shelf = options.root / "pkg/style"
    for part in ("pictures", "thumbnails"):
        (shelf / part).mkdir(parents=True, exist_ok=True)
        for old in (shelf / part).glob("*.jpg"):
            if old.stem not in styles.STYLES:
                old.unlink()

    photos = {name: photograph(options.photos / f"{name}.png", 512) for name in ("chelsea", "coffee")}
    square = Image.fromarray(photos["chelsea"])
    edge = min(square.size)
    left = int((square.width - edge) * 0.45)
    square = np.asarray(square.crop((left, 0, left + edge, edge)).resize((2 * THUMBNAIL,) * 2, Image.Resampling.LANCZOS))
    catalogue, vectors, rows = [], {}, []
    for name, (_, title, what) in styles.STYLES.items():
        picture = styles.draw(name)
        picture.save(shelf / "pictures" / f"{name}.jpg", quality=85)
        picture = np.asarray(Image.open(shelf / "pictures" / f"{name}.jpg"))
        vectors[name] = vector_of(teacher, picture)
        source = f"Drawn by model/train/styles.py, no painting behind it: {what}."
        catalogue.append({"name": name, "title": title, "source": source})
        thumbnail = Image.fromarray(painted(model.paint, square, vectors[name]))
        thumbnail.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS).save(
            shelf / "thumbnails" / f"{name}.jpg", quality=85)
        rows.append((title, picture, [painted(paint, photo, vectors[name])
                                      for photo in photos.values() for paint in (teacher.paint, model.paint)]))
    write_json(shelf / "catalogue.json", catalogue)
    write_vectors(options.root / "model/atelier/styles.json", vectors)
    contact_sheet(options.root / "model/contact-sheet.jpg", photos, rows)


if __name__ == "__main__":
    main()
