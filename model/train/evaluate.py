"""Measures the shipped model against the teacher, on pictures that were not used in training.

    python evaluate.py FOLDER MODEL [--quick] [--json FILE]

It paints every held-back photograph in every held-back style, with the teacher and with our model:
once with the teacher's vectors (which measures our transformer) and once with our own (which
measures both networks). For each measure it prints the mean, the 10th and 90th percentile, the
goal, and whether the goal is met. A measure without a goal is printed for comparison.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf
from PIL import Image

import data
import measures
from shipped import Model
from teacher import Teacher

SIZES = (256, 512, 1024, 2048)
MIDDLE = 224  # of a picture this square is looked at for its statistics: every photograph holds it


class Table:
    """The values of each measure, for pairs of a photograph and a style."""

    def __init__(self):
        self.values, self.pairs = {}, {}

    def add(self, pair, **values):
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
            self.pairs.setdefault(name, []).append(pair)

    def mean(self, name):
        return float(np.mean(self.values[name]))

    def spread(self, name):
        return [float(x) for x in np.percentile(self.values[name], (10, 90))]

    def worst(self, name, ideal):
        """Return the pair that is furthest from the ideal, which is a number or the name of the
        teacher's measure.
        """
        ideal = np.array(self.values[ideal]) if isinstance(ideal, str) else ideal
        return self.pairs[name][int(np.argmax(np.abs(np.array(self.values[name]) - ideal)))]


def tell(progress):
    print(f"evaluate: {progress}", file=sys.stderr, flush=True)


def named(folder, quick=False):
    """Return (name, picture) for each held-back picture of a folder, uint8."""
    pictures = zip(data.split(folder, validation=True), data.load(folder, validation=True))
    return [(path.stem, picture) for path, picture in pictures][:: 4 if quick else 1]


def whole(picture):
    """Return a picture as float32 [H,W,3], cropped to sides that are multiples of 4, as the
    teacher needs them.
    """
    height, width = (side // 4 * 4 for side in picture.shape[:2])
    return data.as_float(picture[:height, :width])


def middle(picture):
    top, left = ((side - MIDDLE) // 2 for side in picture.shape[:2])
    return picture[top : top + MIDDLE, left : left + MIDDLE]


def painter(network):
    return lambda photo, vector: np.asarray(network.paint(photo[None], vector))[0]


def compare(table, model, teacher, photos, styles):
    """Add the measures of photographs and styles that were not used in training to table."""
    paint, target_of = painter(model), painter(teacher)
    styles = [(name, data.as_float(data.squeeze(style))) for name, style in styles]
    theirs = [teacher.vectors(style[None]).numpy() for _, style in styles]
    ours = [np.asarray(model.vectors(style[None])) for _, style in styles]
    statistics = measures.Statistics(
        teacher.features, [middle(whole(photo)) for _, photo in photos] + [style for _, style in styles])
    manners = [statistics.of(style) for _, style in styles]
    for number, (photo_name, original) in enumerate(photos, 1):
        tell(f"photograph {number} of {len(photos)} in {len(styles)} styles")
        photo, square = whole(original), data.as_float(data.squeeze(original))[None]
        areas, plain = measures.flat_areas(photo), statistics.of(middle(photo))
        table.add(photo_name,
                  own=measures.l1(paint(photo, np.asarray(model.vectors(square))), photo),
                  own_teacher=measures.l1(target_of(photo, teacher.vectors(square)), photo))
        for (style_name, _), vector, read, manner in zip(styles, theirs, ours, manners):
            target, given, chain = target_of(photo, vector), paint(photo, vector), paint(photo, read)
            energy = measures.energy(target)
            power, wanted = (measures.spectrum(picture, areas) for picture in (given, target))

            def margin(picture):
                return measures.margin(statistics.of(middle(picture)), plain, manner)

            table.add(
                f"{photo_name} as {style_name}",
                l1=measures.l1(given, target), chain_l1=measures.l1(chain, target),
                energy=measures.energy(given) / energy, chain_energy=measures.energy(chain) / energy,
                margin=margin(given), chain_margin=margin(chain), margin_teacher=margin(target),
                lattice=measures.lattice(power), lattice_teacher=measures.lattice(wanted),
                regularity=measures.regularity(power), regularity_teacher=measures.regularity(wanted),
                texture=measures.texture(power, wanted),
                halo=measures.halo(given, target),
                clipped=measures.clipped(given), clipped_teacher=measures.clipped(target),
                contrast=measures.contrast(given) / measures.contrast(target),
                photo_l1=measures.l1(photo, target), photo_energy=measures.energy(photo) / energy)
    centre = np.mean(theirs, axis=0)
    for (name, _), a, b in zip(styles, theirs, ours):
        a, b = (a - centre)[0], (b - centre)[0]
        table.add(name, cosine=float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def compare_sizes(table, model, teacher, photos, styles, sizes):
    """Add the measures of one photograph at several sizes to table: those of each size, and how
    far the colours differ between the sizes.
    """
    for number, (photo_name, photo) in enumerate(photos):
        style_name, style = styles[number % len(styles)]
        vector = teacher.vectors(data.as_float(data.squeeze(style)[None])).numpy()
        image, ours, theirs = Image.fromarray(photo), [], []
        pair = f"{photo_name} as {style_name}"
        for size in sizes:
            sides = [round(side * size / max(image.size)) for side in image.size]
            picture = whole(np.asarray(image.resize(sides, Image.Resampling.LANCZOS)))
            ours.append(painter(model)(picture, vector))
            theirs.append(painter(teacher)(picture, vector))
            areas = measures.flat_areas(picture)
            power, wanted = (measures.spectrum(painting[-1], areas) for painting in (ours, theirs))
            table.add(pair, **{
                f"l1_{size}": measures.l1(ours[-1], theirs[-1]),
                f"energy_{size}": measures.energy(ours[-1]) / measures.energy(theirs[-1]),
                f"lattice_{size}": measures.lattice(power), f"lattice_teacher_{size}": measures.lattice(wanted),
                f"regularity_{size}": measures.regularity(power), f"regularity_teacher_{size}": measures.regularity(wanted),
                f"texture_{size}": measures.texture(power, wanted)})
        table.add(pair, shift=measures.colour_shift(ours), shift_teacher=measures.colour_shift(theirs))


def compare_named(table, model, teacher, photos, vectors):
    """Add the measures of the named styles, painted with their stored vectors on photographs not
    used in training, to table.
    """
    for photo_name, photo in photos:
        photo = whole(photo)
        for name, vector in vectors.items():
            vector = np.array([vector], np.float32)
            target, ours = painter(teacher)(photo, vector), painter(model)(photo, vector)
            table.add(f"{photo_name} as {name}", named_l1=measures.l1(ours, target),
                      named_energy=measures.energy(ours) / measures.energy(target))


def by_style(table, name):
    """Return (style, mean of a measure over the photographs), the largest mean first."""
    values = {}
    for pair, value in zip(table.pairs[name], table.values[name]):
        values.setdefault(pair.split(" as ")[1], []).append(value)
    return sorted(((style, float(np.mean(some))) for style, some in values.items()), key=lambda entry: -entry[1])


def rows(table, sizes):
    """Return every measure as a dictionary. A goal is (lowest, highest), and applies to value:
    that is the mean or, if the measure exists for the teacher too, the ratio of the two means.
    """
    def row(label, key, goal=None, other=None, ideal=0.0):
        mean = table.mean(key)
        value = mean / max(table.mean(other), 1e-9) if other else mean
        return {
            "key": key, "measure": label, "mean": mean, "spread": table.spread(key),
            "teacher": {"mean": table.mean(other), "spread": table.spread(other)} if other else None,
            "value": value, "goal": goal, "met": goal[0] <= value <= goal[1] if goal else None,
            "worst": table.worst(key, other or ideal), "count": len(table.values[key]),
        }

    alike = (0.85, 1.15)
    return [
        row("L1, teacher's vectors", "l1", (0, 0.055)),
        row("L1, whole chain", "chain_l1", (0, 0.075)),
        row("gradient energy, teacher's vectors", "energy", alike, ideal=1.0),
        row("gradient energy, whole chain", "chain_energy", alike, ideal=1.0),
        row("style margin, teacher's vectors", "margin", alike, "margin_teacher"),
        row("style margin, whole chain", "chain_margin", alike, "margin_teacher"),
        row("lattice in flat areas, 255ths", "lattice", (0, 1.15), "lattice_teacher"),
        row("regularity in flat areas, dB", "regularity", (0, 1.15), "regularity_teacher"),
        row("distance of spectra in flat areas, dB", "texture"),
        row("error at the border over inside", "halo", (0, 1.15)),
        row("white or black area, %", "clipped", (0, 1.15), "clipped_teacher"),
        row("contrast", "contrast", alike, ideal=1.0),
        row("colour shift between sizes, 255ths", "shift", None, "shift_teacher"),
        row("named styles: L1", "named_l1"),
        row("named styles: gradient energy", "named_energy", ideal=1.0),
        row("vectors: cosine to the teacher's", "cosine", ideal=1.0),
        row("own vector: L1 to the photograph", "own", None, "own_teacher"),
        row("the photograph: L1", "photo_l1"),
        row("the photograph: gradient energy", "photo_energy", ideal=1.0),
        *(line for size in sizes for line in (
            row(f"at {size} px: L1", f"l1_{size}"),
            row(f"at {size} px: gradient energy", f"energy_{size}", ideal=1.0),
            row(f"at {size} px: lattice, 255ths", f"lattice_{size}", None, f"lattice_teacher_{size}"),
            row(f"at {size} px: regularity, dB", f"regularity_{size}", None, f"regularity_teacher_{size}"),
            row(f"at {size} px: distance of spectra, dB", f"texture_{size}"))),
    ]


def written(entry):
    """Return the text of one row of the table."""
    def with_spread(mean, spread):
        return f"{mean:6.3f} ({spread[0]:.3f}..{spread[1]:.3f})"

    teacher = with_spread(**entry["teacher"]) if entry["teacher"] else ""
    goal, verdict = "", ""
    if entry["goal"]:
        low, high = entry["goal"]
        goal = f"<= {high}" if not low else f"{low}..{high}"
        if entry["teacher"]:
            goal = f"{entry['value']:.2f} of {goal}"
        verdict = "met" if entry["met"] else "MISSED"
    ours = with_spread(entry["mean"], entry["spread"])
    return f"{entry['measure']:38}{ours:24}{teacher:24}{goal:22}{verdict:8}{entry['worst']}"


def seconds(models, side, runs=15):
    """Return the shortest of several run times at side x side, for each model. The models take
    turns, so that other load on the machine affects all of them alike.
    """
    picture = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    vector = np.zeros((1, 100), np.float32)
    taken = {name: [] for name in models}
    for _ in range(runs + 1):
        for name, model in models.items():
            begin = time.perf_counter()
            np.asarray(model.paint(picture, vector))
            taken[name].append(time.perf_counter() - begin)
    return {name: min(values[1:]) for name, values in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder")
    parser.add_argument("model", type=pathlib.Path, help="folder of saved_model.pb and styles.json")
    parser.add_argument("--quick", action="store_true", help="a quarter of the photographs, up to 1024 px, no times")
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers to a file as well")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model, teacher = Model(options.model), Teacher(options.folder / "teacher")
    photos, styles = named(options.folder / "content", options.quick), named(options.folder / "style")
    table = Table()
    compare(table, model, teacher, photos, styles)
    some = photos if options.quick else photos[::4]
    tell("the named styles")
    compare_named(table, model, teacher, some, json.loads((options.model / "styles.json").read_text())["vectors"])
    sizes = SIZES[:3] if options.quick else SIZES
    tell(f"sizes up to {sizes[-1]} px")
    compare_sizes(table, model, teacher, some[:8], styles, sizes)
    entries = rows(table, sizes)
    print(f"{len(photos)} photographs, {len(styles)} styles; mean (10th..90th percentile)\n"
          f"{'':38}{'ours':24}{'teacher':24}{'goal':22}{'':8}worst")
    for entry in entries:
        print(written(entry))
    print("named styles, mean L1: " + ", ".join(f"{name} {value:.3f}" for name, value in by_style(table, "named_l1")))
    times = {}
    if not options.quick:
        print("seconds, one thread, the fastest of 15 runs")
        for side in SIZES[:3]:
            times[side] = seconds({"ours": model, "teacher": teacher}, side)
            print(f"{f'{side} x {side}':38}{times[side]['ours']:<24.4f}{times[side]['teacher']:<24.4f}"
                  f"{times[side]['teacher'] / times[side]['ours']:.2f} times as fast")
    if options.json:
        options.json.write_text(json.dumps({"measures": entries, "seconds": times}, indent=1) + "\n")


if __name__ == "__main__":
    main()
