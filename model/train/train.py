"""Everything from the training folder to the shipped model, one stage after the other.

    python train.py FOLDER OUT ROOT --photos PHOTOS

FOLDER holds content/, style/ and teacher/; OUT keeps checkpoints and curves; ROOT is
the repository. A stage that was interrupted goes on from its checkpoint, one that is
finished is skipped.
"""

import argparse
import pathlib
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
    parser.add_argument("--steps", type=int, help="so many steps in each stage, to rehearse the whole")
    options = parser.parse_args()

    def start(script, *arguments):
        return subprocess.Popen([sys.executable, HERE / script, *map(str, arguments)])

    def finish(*processes):
        try:
            codes = [process.wait() for process in processes]
        except KeyboardInterrupt:  # the children have it too: they write their checkpoints
            sys.exit(max(process.wait() for process in processes) or 130)
        if any(codes):
            sys.exit(max(codes))

    learn = (options.folder, options.out, "--threads", options.threads)
    if options.steps:
        learn += ("--steps", options.steps)
    finish(start("train_transformer.py", *learn), start("train_predictor.py", *learn))
    finish(start("train_chain.py", *learn))
    finish(start("export.py", options.out, options.root / "model/atelier"))
    finish(start("catalogue.py", options.folder, options.root, options.photos))
    finish(start("evaluate.py", options.folder, options.root / "model/atelier"))


if __name__ == "__main__":
    main()
