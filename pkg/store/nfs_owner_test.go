package store

import "testing"

// A client that knows the folder of an owner's active jobs, which another has removed
// since, makes it again.
func TestClientKnowsAnOwnersFolderThatIsGone(t *testing.T) {
	a, b := twoClients(t)
	for range 3 {
		id := b.create()
		l, err := a.Claim(t.Context(), id, 1, "tester")
		if err == nil {
			err = paint(l, "painted")
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Active(); err != nil { // removes what is empty
			t.Fatal(err)
		}
	}
}
