package batch

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/submitter/client"
)

const (
	oneID   = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	otherID = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e10"
)

// A journal returns what was written to it, whatever bytes names are made of, and wherever a
// crash has cut off its last line.
func TestJournal(t *testing.T) {
	folder := t.TempDir()
	names := []Path{"a.jpg", "two\nlines.jpg", "not UTF-8 \xff\xfe.jpg", `"quoted"\.jpg`, ""}
	var tasks []*task
	for _, name := range names {
		tasks = append(tasks, &task{Input: Input{Name: name, Result: "out/" + name}})
	}
	strength := 0.5
	j, err := createJournal(folder, &header{
		Version: version, Began: time.Now(), Folder: "/\xff", Pictures: len(tasks),
		Options: Options{API: "http://x", Job: client.Options{Style: "mosaic", Strength: &strength}, Key: "k", Parallel: 3, Wait: true},
	}, tasks)
	if err != nil {
		t.Fatal(err)
	}
	j.append(event{N: 0, Job: oneID})
	j.append(event{N: 1, Job: oneID})
	j.append(event{N: 1, Done: true})
	if _, err := Open(folder, j.name); err != ErrBusy {
		t.Errorf("open the journal of a batch that is worked on: got %v, want ErrBusy", err)
	}
	j.close(false)
	file := filepath.Join(folder, j.name+journalEnding)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(`{"n":1,"done":true}` + "\n") {
		h, tasks, err := readJournal(strings.NewReader(string(whole[:len(whole)-cut])))
		if err != nil {
			t.Fatalf("cut by %d: %v", cut, err)
		}
		left := len(names)
		if cut == 0 {
			left--
		}
		if len(tasks) != left || tasks[0].id != oneID || tasks[len(tasks)-1].id != "" {
			t.Fatalf("cut by %d: got %d tasks, want %d", cut, len(tasks), left)
		}
		if o := h.Options; o.API != "http://x" || h.Folder != "/\xff" || *o.Job.Strength != strength || o.Key != "k" || !o.Wait || o.Parallel != 3 {
			t.Errorf("the header has become %+v", h)
		}
		for _, task := range tasks {
			if task.Name != names[task.n] || task.Result != "out/"+names[task.n] {
				t.Errorf("picture %d has become %q and %q", task.n, task.Name, task.Result)
			}
		}
	}
}

// What is not a journal, or is of another version, is rejected, and not taken for a finished batch.
func TestNotAJournal(t *testing.T) {
	for _, text := range []string{
		"", "\n", "Dear Theo,\n", "{}\n", `{"v":3,"pictures":0}` + "\n", `{"v":2,"pictures":1}` + "\n", `{"v":2,"pictures":1}` + "\n" + `{"input":"x"}` + "\n",
		`{"v":2,"pictures":1000000000,"options":{"parallel":4}}` + "\n", `{"v":2,"options":{"parallel":1000000000}}` + "\n", `{"v":2,"options":{"parallel":-1}}` + "\n",
		`{"v":2,"options":{"parallel":4},"api":"` + strings.Repeat("x", longestLine) + `"}` + "\n",
	} {
		if _, _, err := readJournal(strings.NewReader(text)); err == nil || err == io.EOF {
			t.Errorf("%q: got %v, want a reason", text, err)
		}
	}
}

// An invalid id in a journal is ignored: the picture is sent again, under the same key.
func TestJournalIDs(t *testing.T) {
	const head = `{"v":2,"pictures":1,"options":{"parallel":4}}` + "\n" + `{"input":"\"x\""}` + "\n"
	for id, want := range map[string]bool{oneID: true, "../../" + oneID: false, oneID + "\\u001b": false, strings.ToUpper(otherID): false} {
		_, tasks, err := readJournal(strings.NewReader(head + `{"n":0,"job":"` + id + `"}` + "\n"))
		if err != nil || len(tasks) != 1 || (tasks[0].id != "") != want {
			t.Errorf("%s: got %v, %v", id, tasks, err)
		}
	}
}

// A journal that a killed process was making is removed when the next batch begins; one that
// a live process is making is not.
func TestJournalLeftovers(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, age time.Duration) string {
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
	dead := write("dead.batch.tmp", old)
	kept := []string{
		write("begun.batch.tmp", 0), write("alive.batch.tmp", old), write("other.tmp", old), write("interrupted.batch", old),
	}
	alive, err := lockFile(kept[1], os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	j, err := createJournal(folder, &header{Version: version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	j.close(true)
	if _, err := os.Stat(dead); err == nil {
		t.Errorf("%s is still there", dead)
	}
	for _, name := range kept {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
