package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a journal was told is what it tells, whatever bytes names are made of, and
// wherever a crash has cut its last line off.
func TestJournal(t *testing.T) {
	folder := t.TempDir()
	names := []path{"a.jpg", "two\nlines.jpg", "not UTF-8 \xff\xfe.jpg", `"quoted"\.jpg`, ""}
	var inputs []*input
	for _, name := range names {
		inputs = append(inputs, &input{Name: name, Result: "out/" + name})
	}
	strength := 0.5
	j, err := newJournal(folder, &plan{
		Version: planVersion, Began: time.Now(), API: "http://x", Folder: "/\xff", Pictures: len(inputs),
		Settings: submitCommand{Style: "mosaic", Strength: &strength, Key: "k", Parallel: 3, Wait: true},
	}, inputs)
	if err != nil {
		t.Fatal(err)
	}
	const id = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	j.note(event{N: 0, Job: id})
	j.note(event{N: 1, Job: id})
	j.note(event{N: 1, Done: true})
	if _, _, _, err := openJournal(folder, j.name); err != errBusy {
		t.Errorf("open the journal of a batch that is worked on: got %v, want errBusy", err)
	}
	j.close(folder, false)
	file := filepath.Join(folder, j.name+journalEnding)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(`{"n":1,"done":true}` + "\n") {
		p, tasks, err := readJournal(strings.NewReader(string(whole[:len(whole)-cut])))
		if err != nil {
			t.Fatalf("cut by %d: %v", cut, err)
		}
		left := len(names)
		if cut == 0 {
			left--
		}
		if len(tasks) != left || tasks[0].id != id || tasks[len(tasks)-1].id != "" {
			t.Fatalf("cut by %d: got %d tasks, want %d", cut, len(tasks), left)
		}
		if p.API != "http://x" || p.Folder != "/\xff" || *p.Settings.Strength != strength || p.Settings.Key != "k" || !p.Settings.Wait || p.Settings.Parallel != 3 {
			t.Errorf("the plan has become %+v", p)
		}
		for _, task := range tasks {
			if task.Name != names[task.n] || task.Result != "out/"+names[task.n] {
				t.Errorf("picture %d has become %q and %q", task.n, task.Name, task.Result)
			}
		}
	}
}

// What is no journal, or of another version, is refused and not taken for done.
func TestNoJournal(t *testing.T) {
	for _, text := range []string{
		"", "\n", "Dear Theo,\n", "{}\n", `{"v":2,"pictures":0}` + "\n", `{"v":1,"pictures":1}` + "\n", `{"v":1,"pictures":1}` + "\n" + `{"input":"x"}` + "\n",
		`{"v":1,"pictures":1000000000,"settings":{"Parallel":4}}` + "\n", `{"v":1,"settings":{"Parallel":1000000000}}` + "\n", `{"v":1,"settings":{"Parallel":-1}}` + "\n",
		`{"v":1,"settings":{"Parallel":4},"api":"` + strings.Repeat("x", longestLine) + `"}` + "\n",
	} {
		if _, _, err := readJournal(strings.NewReader(text)); err == nil || err == io.EOF {
			t.Errorf("%q: got %v, want a reason", text, err)
		}
	}
}

// An id that is none is not taken from a journal: the picture is sent again, under the
// same key.
func TestJournalIDs(t *testing.T) {
	const head = `{"v":1,"pictures":1,"settings":{"Parallel":4}}` + "\n" + `{"input":"\"x\""}` + "\n"
	for id, want := range map[string]bool{oneID: true, "../../" + oneID: false, oneID + "\\u001b": false, strings.ToUpper(otherID): false} {
		_, tasks, err := readJournal(strings.NewReader(head + `{"n":0,"job":"` + id + `"}` + "\n"))
		if err != nil || len(tasks) != 1 || (tasks[0].id != "") != want {
			t.Errorf("%s: got %v, %v", id, tasks, err)
		}
	}
}

// What a process has left that was killed while it made a journal goes when the
// next batch begins; what one that is alive is making does not.
func TestJournalLeftovers(t *testing.T) {
	folder := t.TempDir()
	leave := func(name string, age time.Duration) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(name, then, then); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const old = 48 * time.Hour
	dead := leave("dead.batch.tmp", old)
	kept := []string{
		leave("begun.batch.tmp", 0), leave("alive.batch.tmp", old), leave("other.tmp", old), leave("interrupted.batch", old),
	}
	alive, err := os.Open(kept[1])
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := lockFile(alive); err != nil {
		t.Fatal(err)
	}
	j, err := newJournal(folder, &plan{Version: planVersion}, nil)
	if err != nil {
		t.Fatal(err)
	}
	j.close(folder, true)
	if _, err := os.Stat(dead); err == nil {
		t.Errorf("%s is still there", dead)
	}
	for _, name := range kept {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
