package queuetest

import (
	"strings"
	"testing"
)

func (s suite) present(t *testing.T) {
	if err := s.Open(t, 10).Queue.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func (s suite) missing(t *testing.T) {
	for way, err := range s.Open(t, 10).Missing(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "no such queue") || !strings.Contains(err.Error(), "check") {
			t.Errorf("%s: got %v, want an error that says what to do", way, err)
		}
	}
}
