"""Draws the pictures of the named styles, from seeds. Nothing in them comes from other pictures.

    python styles.py FOLDER      writes FOLDER/<name>.jpg, 512 x 512

Each picture is drawn at twice its size and then scaled down, which makes all edges smooth.
"""

import argparse
import pathlib
import zlib

import numpy as np
from PIL import Image

import styles_craft as craft
import styles_paint as paint
import styles_print as prints
from canvas import SIDE, image_of

# Name: the function, the title, and what is on the picture. In display order.
STYLES = {
    "night-swirls": (paint.night_swirls, "Night swirls", "brush strokes along whirls in a night sky"),
    "stained-glass": (craft.stained_glass, "Stained glass", "Voronoi panes between black leading"),
    "woodblock-wave": (prints.woodblock_wave, "Woodblock wave", "layered waves in indigo and cream under a red sun"),
    "autumn-impasto": (paint.autumn_impasto, "Autumn impasto", "thick strokes of orange, red and umber in relief"),
    "watercolour": (paint.watercolour, "Watercolour", "transparent washes with dark rims and a fine pen on paper"),
    "ink-hatching": (prints.ink_hatching, "Ink hatching", "four layers of pen hatching over noise"),
    "pop-art": (prints.pop_art, "Pop art", "outlined shapes filled with printed dots"),
    "mosaic": (craft.mosaic, "Mosaic", "rings of violet, ivory and jade tiles around one centre"),
    "cubist": (paint.cubist, "Cubist", "shaded planes in ochre, rust and slate between black edges"),
    "marbled-ink": (paint.marbled_ink, "Marbled ink", "folded bands of ink, as on marbled paper"),
    "art-deco": (craft.art_deco, "Art deco", "gold and teal fans on black"),
    "linocut": (prints.linocut, "Linocut", "gouges in black, red and cream blocks"),
    "sunset": (paint.sunset, "Sunset", "a sky from violet to yellow over dark hills, in short strokes"),
    "delft": (craft.delft, "Delft tiles", "cobalt rosettes on white glaze"),
    "pointillism": (paint.pointillism, "Pointillism", "dots of meadow and sky with accents among them"),
    "cyanotype": (prints.cyanotype, "Cyanotype", "white shadows of ferns and twigs on Prussian blue"),
    "gilded": (craft.gilded, "Gilded", "gold leaf with coils, eyes and small tiles"),
    "charcoal": (prints.charcoal, "Charcoal", "smudged strokes of charcoal on rough paper"),
    "jungle": (craft.jungle, "Jungle", "layers of leaves from dark to light"),
    "risograph": (prints.risograph, "Risograph", "rose and blue ink in stripes and grain, one over the other"),
    "frozen-lake": (craft.frozen_lake, "Frozen lake", "floes, cracks and frost in turquoise"),
    "old-map": (prints.old_map, "Old map", "sepia contours on parchment"),
    "neon-night": (craft.neon_night, "Neon night", "tubes of light on black"),
    "verdigris": (craft.verdigris, "Verdigris", "copper under patches of patina"),
}

# Not good enough to be shipped, but more to learn from.
UNSHIPPED = {"neon-zigzag": craft.neon_zigzag}


def variants(count):
    """Return count more versions of every style, from other seeds, as uint8 arrays, for
    training.
    """
    functions = {name: entry[0] for name, entry in STYLES.items()} | UNSHIPPED
    return [np.asarray(image_of(function(np.random.default_rng([seed, zlib.crc32(name.encode())])))
                       .resize((SIDE, SIDE), Image.Resampling.LANCZOS))
            for name, function in functions.items() for seed in range(count)]


def draw(name):
    """Return the picture of a style as a Pillow image of SIDE x SIDE."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return image_of(STYLES[name][0](rng)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in STYLES:
        draw(name).save(folder / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
