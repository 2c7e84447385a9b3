"""What all trainings share: the optimiser, averaged weights, checkpoints, stopping, and the
curve.
"""

import argparse
import csv
import os
import pathlib
import signal
import time

import numpy as np
import tensorflow as tf


class Adam:
    """Adam with clipped gradients, and a running average of the weights, which is what is
    exported.
    """

    def __init__(self, weights, clip=1.0, decay=0.999):
        self.weights, self.clip, self.decay = weights, clip, decay
        self.trained = {name: v for name, v in weights.items() if v.trainable}
        self.first = {name: tf.Variable(tf.zeros_like(v), trainable=False) for name, v in self.trained.items()}
        self.second = {name: tf.Variable(tf.zeros_like(v), trainable=False) for name, v in self.trained.items()}
        self.average = {name: tf.Variable(v, trainable=False) for name, v in weights.items()}

    def apply(self, gradients, rate, step):
        """Make one update. rate and step, which counts from 1, are float tensors. It is called
        inside a tf.function.
        """
        gradients, norm = tf.clip_by_global_norm(gradients, self.clip)
        correction = tf.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for (name, weight), gradient in zip(self.trained.items(), gradients):
            first = self.first[name].assign(0.9 * self.first[name] + 0.1 * gradient)
            second = self.second[name].assign(0.999 * self.second[name] + 0.001 * gradient**2)
            weight.assign_sub(rate * correction * first / (tf.sqrt(second) + 1e-7))
        # Young averages follow quickly, so that an early export is not the fresh weights.
        keep = tf.minimum(self.decay, step / (step + 10))
        for name, average in self.average.items():
            average.assign(keep * average + (1 - keep) * self.weights[name])
        return norm

    def state(self):
        groups = {"weight": self.weights, "first": self.first, "second": self.second, "average": self.average}
        return {f"{group}/{name}": v for group, part in groups.items() for name, v in part.items()}


def rate_at(step, steps, peak):
    """Return the learning rate of a step: it rises linearly for 200 steps, and then falls along
    a cosine to a hundredth of the peak.
    """
    progress = min(1.0, step / steps)
    return peak * min(1.0, step / 200) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))


def averaged(checkpoint):
    """Return the averaged weights of a checkpoint, as constants by name."""
    with np.load(checkpoint) as stored:
        return {name.removeprefix("average/"): stored[name] for name in stored if name.startswith("average/")}


def arguments(description, steps, rate):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=pathlib.Path, help="the training folder with content/, style/ and teacher/")
    parser.add_argument("out", type=pathlib.Path, help="where checkpoints and curves go; a run resumes from there")
    parser.add_argument("--steps", type=int, default=steps, help="steps in all; the learning rate falls to its end")
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--validate-every", type=int, default=500, help="steps between points of the curve")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(options.seed)
    return options


def run(name, options, optimiser, step_function, validate, extra=None):
    """Run steps until options.steps or a signal. If there is a checkpoint, go on from it.

    step_function(step, rate) returns the loss, and validate() a dictionary of numbers. SIGINT and
    SIGTERM end the run after the current step, with a checkpoint and an error, so that the stage is
    not taken for finished.
    """
    checkpoint, curve = options.out / f"{name}.npz", options.out / f"{name}.csv"
    state = optimiser.state() | (extra or {})
    step, seconds = 0, 0.0
    if checkpoint.exists():
        with np.load(checkpoint) as stored:
            for key, variable in state.items():
                if key in stored:
                    variable.assign(stored[key])
            step, seconds = int(stored["step"]), float(stored["seconds"])
        print(f"{name}: resumed at step {step}", flush=True)

    def save():
        beside = checkpoint.with_suffix(".tmp.npz")
        np.savez(beside, step=step, seconds=seconds, **{key: v.numpy() for key, v in state.items()})
        os.replace(beside, checkpoint)

    stop = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    losses, begin = [], time.monotonic()
    while step < options.steps and not stop:
        step += 1
        losses.append(float(step_function(step, rate_at(step, options.steps, options.rate))))
        if not np.isfinite(losses[-1]):
            raise SystemExit(f"{name}: the loss is {losses[-1]} at step {step}")
        if step % 50 == 0:
            pace = (time.monotonic() - begin) / len(losses)
            print(f"{name}: step {step}/{options.steps}, loss {np.mean(losses[-50:]):.4f}, "
                  f"{pace:.3f} s a step, {pace * (options.steps - step) / 60:.0f} min left", flush=True)
        if step % options.validate_every == 0 or step == options.steps:
            seconds += time.monotonic() - begin
            row = {"step": step, "minutes": round(seconds / 60, 1), "loss": round(float(np.mean(losses)), 5)}
            row |= {key: round(float(value), 5) for key, value in validate().items()}
            fresh = not curve.exists()
            with curve.open("a", newline="") as file:
                writer = csv.DictWriter(file, row)
                if fresh:
                    writer.writeheader()
                writer.writerow(row)
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            save()
            losses, begin = [], time.monotonic()
    if stop:
        seconds += time.monotonic() - begin
        save()
        raise SystemExit(f"{name}: stopped at step {step}; the same command resumes")
