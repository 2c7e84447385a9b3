"""A server that repaints photographs while the client waits: what the pipeline is measured against.

Written as one would for a single machine: no queue, no store, nothing durable. A picture is
read with Pillow, painted with TensorFlow and returned as a JPEG, in one request.
"""

import argparse
import io
import json
import pathlib
import time

import flask
import numpy as np
import tensorflow as tf
import waitress
from PIL import Image, ImageOps

LONGEST = 1024  # of a result, in pixels, as in the pipeline
QUALITY = 90


def load(folder):
    """The SavedModel in a folder, and its signatures. It must be kept while they are used."""
    model = tf.saved_model.load(str(folder), tags=["serve"])
    return model, model.signatures


def picture(file):
    """An upright picture of at most LONGEST, as float32 [1,H,W,3] in 0..1."""
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)[None] / 255


class Magenta:
    """Magenta's arbitrary image stylisation, with the vector of one picture as its style."""

    def __init__(self, folder, style):
        folder = pathlib.Path(folder)
        _, predictor = load(folder / "style_predictor")
        self._model, signatures = load(folder / "transformer")
        self._transform = signatures["serving_default"]
        predict = predictor["serving_default"]
        (name,) = predict.structured_input_signature[1]
        square = ImageOps.fit(Image.open(style).convert("RGB"), (256, 256))
        (vector,) = predict(**{name: tf.constant(np.asarray(square, np.float32)[None] / 255)}).values()
        self._vector = tf.constant(tf.reshape(vector, [1, -1]))

    def paint(self, content):
        (painted,) = self._transform(content=tf.constant(content), style_vector=self._vector).values()
        return painted


class Shipped:
    """The project's own network, with the stored vector of its first style."""

    def __init__(self, folder):
        self._model, signatures = load(folder)
        self._transform = signatures["transform"]
        styles = json.loads((pathlib.Path(folder) / "styles.json").read_text())
        self._vector = tf.constant([next(iter(styles["vectors"].values()))], tf.float32)

    def paint(self, content):
        return self._transform(content=tf.constant(content), vector=self._vector)["output_0"]


def jpeg(painted, height, width):
    """float32 [1,H,W,3], with sides rounded up by the network, as a file of the picture's size."""
    pixels = np.clip(painted[0, :height, :width] * 255 + 0.5, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def application(network):
    app = flask.Flask("baseline")

    @app.post("/paint")
    def paint():
        began = time.perf_counter()
        content = picture(flask.request.files["image"])
        decoded = time.perf_counter()
        _, height, width, _ = content.shape
        painted = network.paint(content).numpy()
        done = time.perf_counter()
        response = flask.Response(jpeg(painted, height, width), mimetype="image/jpeg")
        ended = time.perf_counter()
        stages = {"decode": decoded - began, "paint": done - decoded, "encode": ended - done, "total": ended - began}
        response.headers["Server-Timing"] = ", ".join(f"{name};dur={1000 * took:.3f}" for name, took in stages.items())
        return response

    @app.get("/healthz")
    def healthz():
        return "ok"

    return app


def main():
    parser = argparse.ArgumentParser(description="repaints photographs posted to /paint")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--teacher", help="folder with Magenta's transformer/ and style_predictor/")
    which.add_argument("--model", help="folder with the project's network")
    parser.add_argument("--style-picture", help="with --teacher: the style")
    parser.add_argument("--listen", default="127.0.0.1:8000")
    parser.add_argument("--threads", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.teacher:
        network = Magenta(arguments.teacher, arguments.style_picture)
    else:
        network = Shipped(arguments.model)
    waitress.serve(application(network), listen=arguments.listen, threads=arguments.threads)


if __name__ == "__main__":
    main()
