// Package measurement measures what the comparison compares: the service times of one
// worker alone, and whole systems under open-loop load.
//
// A run is the unit: its programs are started for it and ended after it. Variants run in an
// order drawn anew for each repetition. Each run is one file of JSON lines in the folder runs
// of the output folder, which appears whole or not at all: a first line with the circumstances
// ([Header]), one for each job ([Job]), and a last one with how the run went ([Footer]). A
// measurement that was interrupted goes on where it stopped.
//
// All times are measured, in seconds. Figures of a run that is void count for nothing; those
// of different processor models must not be pooled ([ByProcessor]).
package measurement
