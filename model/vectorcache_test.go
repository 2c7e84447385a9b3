package model

import "testing"

func TestVectorCacheEvictsTheLeastRecentlyUsed(t *testing.T) {
	r := newVectorCache(2)
	a, b, c := fingerprint{1}, fingerprint{2}, fingerprint{3}
	r.put(a, []float32{1})
	r.put(b, []float32{2})
	r.get(a)
	r.put(a, []float32{9}) // the first one stays
	r.put(c, []float32{3})
	if v := r.get(b); v != nil {
		t.Errorf("got %v for the least recently used, want nothing", v)
	}
	for f, want := range map[fingerprint]float32{a: 1, c: 3} {
		if v := r.get(f); len(v) != 1 || v[0] != want {
			t.Errorf("got %v, want [%v]", v, want)
		}
	}
}
