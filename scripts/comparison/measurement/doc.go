// Package measurement makes the measurements of the comparison: of one worker alone, which paints one
// picture after the other, and of whole systems under an open-loop load, whose jobs are sent at planned
// times whether earlier ones are finished or not.
//
// The unit is the run: its programs are started for it and ended after it. Each repetition runs its
// variants in a new random order. Each run is one file of JSON lines in the folder runs of the
// output folder, which is written whole or not at all: a first line with the circumstances
// ([Header]), one line for each job ([Job]), and a last line with the totals ([Footer]). An
// interrupted measurement can be continued.
//
// All times are measured and in seconds. Figures of void runs are not used; those of different
// processor models must not be combined ([ByProcessor]).
package measurement
