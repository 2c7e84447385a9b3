"""Measures how different the effects of the named styles are, as the teacher paints them.

    python apart.py FOLDER PICTURES PHOTO...

PICTURES is a folder with the pictures of styles. It prints the pairs of styles that are most alike,
by two measures. L1 is the mean absolute difference of the painted photographs, in 0..1. Look is the
distance of what is noticed at a glance (mean colour, contrast, saturation, fine and coarse edges
and their direction), where each value is divided by its standard deviation over the styles.
"""

import argparse
import itertools
import pathlib

import numpy as np
from PIL import Image

import catalogue
import data
from teacher import Teacher


def glance(painted):
    """Return the values that make up the look of a painted photograph, uint8 RGB."""
    x = data.as_float(painted)
    height, width = (side // 4 * 4 for side in x.shape[:2])
    coarse = x[:height, :width].reshape(height // 4, 4, width // 4, 4, 3).mean((1, 3))
    fine = [np.abs(np.diff(x, axis=axis)).mean() for axis in (0, 1)]
    return np.concatenate([
        x.mean((0, 1)), x.std((0, 1)), [np.ptp(x, axis=2).mean()],
        np.log(fine), [np.log(sum(np.abs(np.diff(coarse, axis=axis)).mean() for axis in (0, 1)))],
    ])


def pairs(painted):
    """Return (L1, look, name, name) for every two styles. painted has the pictures that each
    style painted.
    """
    looks = {name: np.stack([glance(picture) for picture in pictures]) for name, pictures in painted.items()}
    unit = np.stack(list(looks.values())).std(0) + 1e-3
    for a, b in itertools.combinations(painted, 2):
        l1 = np.mean([np.abs(data.as_float(p) - data.as_float(q)).mean() for p, q in zip(painted[a], painted[b])])
        look = np.sqrt(np.mean(((looks[a] - looks[b]) / unit) ** 2))
        yield float(l1), float(look), a, b


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder, for teacher/")
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path, nargs="+")
    parser.add_argument("--count", type=int, default=8, help="pairs to print by each measure")
    options = parser.parse_args()
    teacher = Teacher(options.folder / "teacher")
    photos = [catalogue.photograph(path, 360) for path in options.photos]
    painted = {}
    for path in sorted(options.pictures.glob("*.jpg")):
        vector = catalogue.vector_of(teacher, np.asarray(Image.open(path).convert("RGB")))
        painted[path.stem] = [catalogue.painted(teacher.paint, photo, vector) for photo in photos]
    found = list(pairs(painted))
    for number, measure in enumerate(("L1", "look")):
        print(f"nearest by {measure}:")
        for pair in sorted(found, key=lambda pair: pair[number])[: options.count]:
            print(f"  L1 {pair[0]:.3f}  look {pair[1]:.2f}  {pair[2]}, {pair[3]}")


if __name__ == "__main__":
    main()
