#!/usr/bin/env python3
"""Writes the ONNX files of the test models; make.py runs it at its end.

    python model/testdata/make_onnx.py        # made with onnx 1.23.2

Each folder's two networks paint like the SavedModel of make.py, or have the same fault.
ONNX files have no serving_default: a fault there is in transform here.
"""

import pathlib

import onnx.checker
import onnx.parser

HERE = pathlib.Path(__file__).parent

PREDICT = """(float[1,3,h,w] style) => (float[1,100] vector) {
    axes = Constant<value = int64[2] {2, 3}>()
    mean = ReduceMean<keepdims = 0>(style, axes)
    rest = Constant<value = int64[4] {0, 0, 0, 97}>()
    vector = Pad(mean, rest)
}"""
TRANSFORM = """(float[1,3,H,W] content, float[1,100] vector) => (float[1,3,H,W] output_0) {
    half = Constant<value = float[1] {0.5}>()
    sizes = Constant<value = int64[2] {3, 97}>()
    colour, rest = Split<axis = 1>(vector, sizes)
    axes = Constant<value = int64[2] {2, 3}>()
    plane = Unsqueeze(colour, axes)
    both = Add(content, plane)
    output_0 = Mul(both, half)
}"""


def write(name, transform=TRANSFORM, predict=PREDICT):
    (HERE / name).mkdir(exist_ok=True)
    for file, text in (("transform", transform), ("predict_style", predict)):
        model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 18]> {file} {text}')
        onnx.checker.check_model(model)
        (HERE / name / f"{file}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def replaced(text, *pairs):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def main():
    write("full")
    write("bad-names", replaced(TRANSFORM, ("output_0", "stylized"), ("float[1,100] vector)", "float[1,100] vector, float[1] strength)")),
          replaced(PREDICT, ("style", "placeholder")))
    write("bad-dtype", replaced(TRANSFORM, ("float[1,3,H,W] content", "uint8[1,3,H,W] content"), ("both = Add(content", "cast = Cast<to = 1>(content)\n    both = Add(cast")))
    write("bad-rank", "(float[1,3,W] content, float[1,100] vector) => (float[1,3,W] output_0) { output_0 = Identity(content) }")
    write("bad-channels", predict=replaced(PREDICT, ("[1,3,h,w] style", "[1,4,h,w] style"), ("97", "96")))
    write("bad-widths", replaced(TRANSFORM, ("[1,100] vector", "[1,64] vector"), ("{3, 97}", "{3, 61}")))
    write("open-width", "(float[1,3,H,W] content, float[1,N] vector) => (float[1,3,H,W] output_0) { output_0 = Identity(content) }",
          replaced(PREDICT, ("[1,100]", "[1,N]")))
    write("fixed-size", replaced(TRANSFORM, ("[1,3,H,W] content", "[1,3,384,384] content"), ("[1,3,H,W] output_0", "[1,3,384,384] output_0")),
          replaced(PREDICT, ("[1,3,h,w]", "[1,3,224,224]")))
    write("bad-size", "(float[1,3,H,W] content, float[1,100] vector) => (float[1,3,G,V] output_0) "
          "{ twice = Constant<value = int64[4] {1, 1, 2, 2}>() output_0 = Tile(content, twice) }")
    write("fails", "(float[1,3,H,W] content, float[1,100] vector) => (float[1,3,H,W] output_0) "
          "{ seven = Constant<value = int64[4] {1, 1, 1, 7}>() output_0 = Reshape(content, seven) }")
    write("odd-numbers", """(float[1,3,H,W] content, float[1,100] vector) => (float[1,3,H,W] output_0) {
        one = Constant<value = float[1] {1.0}>()
        none = Constant<value = float[1] {0.0}>()
        under = Constant<value = float[1] {-1.0}>()
        r, g, b = Split<axis = 1, num_outputs = 3>(content)
        below = Sub(under, r)
        red = Log(below)
        above = Add(one, g)
        green = Div(above, none)
        down = Sub(under, b)
        blue = Div(down, none)
        output_0 = Concat<axis = 1>(red, green, blue)
    }""")
    write("no-numbers", """(float[1,3,H,W] content, float[1,100] vector) => (float[1,3,H,W] output_0) {
        under = Constant<value = float[1] {-1.0}>()
        below = Sub(under, content)
        output_0 = Log(below)
    }""")
    write("odd-vector", replaced(TRANSFORM, ("[1,100]", "[1,3]"), ("colour, rest = Split<axis = 1>(vector, sizes)", "colour = Identity(vector)")),
          """(float[1,3,h,w] style) => (float[1,3] vector) {
        axes = Constant<value = int64[2] {2, 3}>()
        mean = ReduceMean<keepdims = 0>(style, axes)
        under = Constant<value = float[1] {-1.0}>()
        below = Sub(under, mean)
        vector = Log(below)
    }""")


if __name__ == "__main__":
    main()
