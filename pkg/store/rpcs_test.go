package store_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// The requests to the file server that each operation takes are those in DESIGN.md, "What each
// operation costs". With -v the table is printed. The limits allow for folders that are looked up
// again because the calls take long: one or two for a submission at 5 ms a call.
func TestRPCs(t *testing.T) {
	lab, inside := nfstest.Enter(t, 3*time.Minute)
	if !inside {
		return
	}
	c := newCosts(t, lab)
	const n = 50
	for range 3 { // the folders of the hour and owner exist, and both clients have cached them
		ids := c.created(1, nil)
		c.work(ids[0], twentyKB)
		c.poll(c.a, ids[0])
		c.check(c.a.Erase(ids[0], store.Erased))
	}
	table := []string{"| | client | RPCs | |", "|---|---|---|---|"}
	row := func(name, client string, most, times int, do func(i int)) {
		t.Helper()
		mount := map[string]string{"API": lab.A, "worker": lab.B}[client]
		before := rpcs(t, mount)
		for i := range times {
			do(i)
		}
		total, ops := per(times, before, rpcs(t, mount))
		table = append(table, fmt.Sprintf("| %s | %s | %.1f | %s |", name, client, total, ops))
		if total > float64(most) {
			t.Errorf("%s: %.1f RPCs, and at most %d are allowed: %s", name, total, most, ops)
		}
	}

	var ids []job.ID
	row("submission", "API", 19, n, func(int) { ids = append(ids, c.created(1, nil)...) })
	for i := range n {
		c.makeKeyFolder("", strconv.Itoa(i))
	}
	row("+ with an Idempotency-Key", "API", 22, n, func(i int) { c.createdOnce(strconv.Itoa(i)) })
	row("+ with a style picture", "API", 20, n, func(int) { c.created(1, func(s *job.Spec) { s.Style, s.StyleInput = job.CustomStyle, &job.Input{} }) })
	uploads := []store.Upload{c.grant()} // makes the owner's folder
	row("grant of an upload", "API", 3, n, func(int) { uploads = append(uploads, c.grant()) })
	c.take(uploads[0])
	for _, u := range uploads {
		c.makeKeyFolder(owner, "\x00"+string(u.ID))
	}
	row("submission of an upload", "API", 25, n, func(i int) { c.take(uploads[1+i]) })
	row("first poll of a queued job", "API", 7, n, func(i int) { c.poll(c.a, ids[i]) })
	row("each further poll", "API", 4, n, func(int) { c.poll(c.a, ids[0]) })

	held := c.claim(c.created(1, nil)[0])
	c.poll(c.a, held.Spec.ID)
	row("poll of a running job", "API", 4, n, func(int) { c.poll(c.a, held.Spec.ID) })
	row("renewal", "worker", 3, n, func(int) { c.check(held.Renew()) })
	again, public := c.created(n, nil), c.created(n, func(s *job.Spec) { s.Public = true })
	row("job in the worker", "worker", 29, n, func(i int) { c.work(again[i], nil) })
	row("+ the first attempt", "worker", 33, n, func(i int) { c.work(ids[i], twentyKB) })
	row("+ of a public job", "worker", 38, n, func(i int) { c.work(public[i], twentyKB) })
	row("first poll of a succeeded job", "API", 8, n, func(i int) { c.poll(c.a, ids[i]) })
	row("each further poll", "API", 4, n, func(int) { c.poll(c.a, ids[0]) })
	row("result of 20 KB", "API", 9, n, func(i int) { c.result(ids[i]) })
	row("erasure of a succeeded job", "API", 40, n, func(i int) { c.check(c.a.Erase(ids[i], store.Erased)) })

	canceled := c.created(n, nil)
	row("cancel of a queued job", "API", 15, n, func(i int) { _, err := c.a.Cancel(canceled[i]); c.check(err) })
	row("retry", "API", 18, n, func(i int) { _, _, err := c.a.Retry(canceled[i]); c.check(err) })
	t.Logf("averages of %d each:\n%s", n, strings.Join(table, "\n"))
}

// costs makes the operations of the table.
type costs struct {
	t    *testing.T
	a, b *store.Store // as the API, and a worker on another machine, use it
}

func newCosts(t *testing.T, lab nfstest.Lab) *costs {
	name := lab.Folder(t)
	open := func(mount string) *store.Store {
		s, err := store.Open(store.Config{Dir: filepath.Join(mount, name), Lease: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	return &costs{t, open(lab.A), open(lab.B)}
}

func (c *costs) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

var twentyKB = bytes.Repeat([]byte("x"), 20<<10)

func (c *costs) spec(change func(*job.Spec)) *job.Spec {
	id, err := job.NewID()
	c.check(err)
	spec := &job.Spec{ID: id, Style: "some-style", Strength: 1, Size: 512, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}}
	if change != nil {
		change(spec)
	}
	return spec
}

func (c *costs) created(n int, change func(*job.Spec)) (ids []job.ID) {
	for range n {
		spec := c.spec(change)
		var style []byte
		if spec.StyleInput != nil {
			style = twentyKB
		}
		c.check(c.a.Create(spec, twentyKB, style))
		ids = append(ids, spec.ID)
	}
	return ids
}

// makeKeyFolder makes the folder of an owner's key, which exists in a store that has had some
// thousands of keys.
func (c *costs) makeKeyFolder(owner, key string) {
	sum := sha256.Sum256([]byte(owner + "\x00" + key))
	hash := hex.EncodeToString(sum[:])
	c.check(os.MkdirAll(filepath.Join(c.a.Dir(), "keys", hash[:1], hash[1:3]), 0o750))
}

func (c *costs) createdOnce(key string) {
	_, _, err := c.a.CreateOnce(c.spec(nil), twentyKB, nil, key)
	c.check(err)
}

const owner = "anna"

func (c *costs) grant() store.Upload {
	u, err := c.a.GrantUpload(owner, int64(len(twentyKB)))
	c.check(err)
	return u
}

// take is what the API does with an upload that it has read.
func (c *costs) take(u store.Upload) {
	u, err := c.a.Upload(owner, u.ID)
	c.check(err)
	spec := c.spec(func(s *job.Spec) { s.Owner, s.Upload, s.Input.Bytes = owner, u.ID, u.Bytes })
	c.check(c.a.Create(spec, twentyKB, nil))
	c.check(c.a.EndUpload(owner, u))
}

func (c *costs) claim(id job.ID) *store.Lease {
	l, err := c.b.Claim(c.t.Context(), id, 1, "tester")
	c.check(err)
	return l
}

// work is what a worker does with a job. The first attempt makes a preview.
func (c *costs) work(id job.ID, preview []byte) {
	l := c.claim(id)
	_, _, err := c.b.Pictures(&l.Spec)
	c.check(err)
	if preview != nil {
		c.check(l.StorePreview(preview))
	}
	var thumb []byte
	if l.Spec.Public {
		thumb = twentyKB
	}
	c.check(l.Succeed(twentyKB, thumb, job.Result{Width: 3, Height: 2, ContentType: "image/jpeg"}, job.Receipt{}))
	l.Close()
}

func (c *costs) poll(s *store.Store, id job.ID) { _, err := s.Job(id); c.check(err) }

func (c *costs) result(id job.ID) {
	f, _, err := c.a.Result(id)
	c.check(err)
	_, err = io.Copy(io.Discard, f)
	c.check(errors.Join(err, f.Close()))
}

// keepalive are the requests that keep a mount's connection alive. Their number depends on time
// only.
var keepalive = strings.Fields("SEQUENCE: EXCHANGE_ID: CREATE_SESSION: DESTROY_SESSION: GET_LEASE_TIME: RECLAIM_COMPLETE:")

// rpcs returns how many requests a mount has sent, by operation.
func rpcs(t *testing.T, mount string) map[string]int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	ours, ops := false, false
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 4 && f[0] == "device":
			ours, ops = f[4] == mount, false
		case ours && len(f) > 1 && f[0] == "per-op":
			ops = true
		case ours && ops && len(f) > 1 && !slices.Contains(keepalive, f[0]):
			n, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			counts[strings.TrimSuffix(f[0], ":")] = n
		}
	}
	return counts
}

// per returns the requests between two counts, divided by n: the total, and a text by operation,
// the most frequent first.
func per(n int, before, after map[string]int) (total float64, ops string) {
	type count struct {
		op string
		n  int
	}
	var all []count
	for op, m := range after {
		if m -= before[op]; m > 0 {
			all = append(all, count{op, m})
			total += float64(m) / float64(n)
		}
	}
	slices.SortFunc(all, func(a, b count) int { return cmp.Or(b.n-a.n, cmp.Compare(a.op, b.op)) })
	var texts []string
	for _, c := range all {
		texts = append(texts, fmt.Sprintf("%s %.4g", c.op, float64(c.n)/float64(n)))
	}
	return total, strings.Join(texts, ", ")
}
