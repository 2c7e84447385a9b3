"""Measures a SavedModel against the teacher on the pictures that training never saw.

Prints a table: the whole chain, the transformer alone with the teacher's vectors,
sharpness, how much the content's own vector changes a photograph, and the time.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import tensorflow as tf

import data
from teacher import Teacher


class Model:
    """The shipped SavedModel, by its signatures."""

    def __init__(self, folder):
        self._loaded = tf.saved_model.load(str(folder), tags=["serve"])
        signatures = self._loaded.signatures
        self._read, self._repaint = signatures["predict_style"], signatures["transform"]
        self._whole = signatures["serving_default"]

    def vectors(self, style):
        return self._read(style=tf.constant(style))["vector"]

    def paint(self, content, vectors):
        return self._repaint(content=tf.constant(content), vector=tf.constant(vectors))["output_0"]

    def whole(self, content, style):
        return self._whole(placeholder=tf.constant(content), placeholder_1=tf.constant(style))["output_0"]


def energy(x):
    """Mean absolute difference between neighbours: blur has less of it."""
    return np.abs(np.diff(x, axis=1)).mean() + np.abs(np.diff(x, axis=2)).mean()


def photographs(folder):
    """Held-back photographs as float32 [1,H,W,3], sides cut to multiples of 4 for the teacher."""
    for picture in data.load(folder / "content", validation=True):
        height, width = (side // 4 * 4 for side in picture.shape[:2])
        yield data.as_float(picture[None, :height, :width])


def compare(model, teacher, folder):
    """Means over every held-back photograph with two of the held-back styles each."""
    styles = [data.as_float(data.squeeze(s)[None]) for s in data.load(folder / "style", validation=True)]
    theirs = [teacher.vectors(style).numpy() for style in styles]
    ours = [model.vectors(style).numpy() for style in styles]
    rows = []
    for number, photo in enumerate(photographs(folder)):
        square = data.as_float(data.squeeze((photo[0] * 255).astype(np.uint8))[None])
        own = {"ours": model.paint(photo, model.vectors(square).numpy()).numpy(),
               "teacher": teacher.paint(photo, teacher.vectors(square)).numpy()}
        for style in (number % len(styles), (number * 3 + 1) % len(styles)):
            target = teacher.paint(photo, theirs[style]).numpy()
            given = model.paint(photo, theirs[style]).numpy()
            chain = model.paint(photo, ours[style]).numpy()
            rows.append({
                "chain_l1": np.abs(chain - target).mean(),
                "teacher_vector_l1": np.abs(given - target).mean(),
                "chain_gradient_energy": energy(chain) / energy(target),
                "teacher_vector_gradient_energy": energy(given) / energy(target),
                "photo_gradient_energy": energy(photo) / energy(target),
                "photo_l1": np.abs(photo - target).mean(),
                "own_vector_l1": np.abs(own["ours"] - photo).mean(),
                "own_vector_l1_teacher": np.abs(own["teacher"] - photo).mean(),
            })
    result = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    a, b = np.concatenate(theirs), np.concatenate(ours)
    centre = a.mean(0)
    a, b = a - centre, b - centre
    result["vector_cosine"] = float(((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))).mean())
    result["pairs"] = len(rows)
    return result


def seconds(models, side, runs=15):
    """Fastest of some runs on side x side for each model; they take turns, so that load hits all alike."""
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder")
    parser.add_argument("model", type=pathlib.Path, help="folder of saved_model.pb")
    parser.add_argument("--no-times", action="store_true")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model, teacher = Model(options.model), Teacher(options.folder / "teacher")
    result = compare(model, teacher, options.folder)
    if not options.no_times:
        for side in (256, 512, 1024):
            result[f"seconds_{side}"] = seconds({"ours": model, "teacher": teacher}, side)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
