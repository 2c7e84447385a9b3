"""Runs all stages from the training folder to the shipped model, one after the other.

    python train.py FOLDER OUT ROOT --photos PHOTOS

FOLDER has content/, style/ and teacher/. OUT keeps checkpoints and curves. ROOT is the repository.
The result is a model in ROOT/model/atelier with its curves, thumbnails, contact sheet, and
ROOT/model/evaluation.json. Ctrl-C or SIGTERM ends the run after the current step. The same command
then goes on from the checkpoints and skips what is finished.
"""

import argparse
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--photos", type=pathlib.Path, required=True,
                        help="folder with coffee.png and chelsea.png, for thumbnails: scikit-image's skimage/data")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="so many steps in each stage, to rehearse the whole")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def run(*scripts):
        """Run scripts with their arguments at the same time. If one of them fails, end all."""
        processes = []
        try:
            for script, *arguments in scripts:
                processes.append(subprocess.Popen([sys.executable, HERE / script, *map(str, arguments)]))
            if any([process.wait() for process in processes]):
                sys.exit(1)
        except KeyboardInterrupt:  # the stages write their checkpoints
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
            sys.exit(130)

    model = options.root / "model"
    learn = (options.folder, options.out, "--threads", options.threads, "--seed", options.seed)
    evaluate = ("evaluate.py", options.folder, model / "atelier", "--json", model / "evaluation.json")
    if options.steps:
        learn += ("--steps", options.steps)
        evaluate += ("--quick",)
    run(("train_transformer.py", *learn), ("train_predictor.py", *learn))
    run(("train_chain.py", *learn))
    run(("export.py", options.out, model / "atelier"))
    run(("catalogue.py", options.folder, options.root, options.photos))
    run(evaluate)


if __name__ == "__main__":
    main()
