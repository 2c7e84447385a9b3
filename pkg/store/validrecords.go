package store

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-go/atelier/pkg/job"
)

// Any process with access to the directory can write into it: a worker that an attacker has taken
// over, or another user of the file system. So records are checked when they are read, for
// everything that readers rely on. A record that fails is damaged, and treated as unreadable.

// Limits of the values in a record. They are well above what the store writes.
const (
	maxNumber    = 1_000_000      // runs, attempts, claims
	maxText      = 2048           // bytes of a text: a style, a message
	maxWord      = 128            // bytes of a name: of an owner, a worker, an engine
	maxEdge      = 65535          // pixels of a side of a submitted picture
	maxInput     = 64 << 20       // bytes of a submitted picture
	resultExtra  = 1 << 20        // bytes of a result beyond 4 for each pixel
	maxSmall     = 4 << 20        // bytes of a thumbnail or a preview
	maxStoredKiB = 1 << 20        // KiB that one job counts for
	maxLease     = 24 * time.Hour // of a claim
)

// A finding is what is wrong with a record; "" if nothing is.
type finding string

func (f *finding) want(ok bool, format string, args ...any) {
	if !ok && *f == "" {
		*f = finding(fmt.Sprintf(format, args...))
	}
}

func (f finding) err(name string) error {
	if f == "" {
		return nil
	}
	return fmt.Errorf("%w: %s: %s", errUnreadable, name, string(f))
}

// printable reports whether a text has only printable characters, and at most max bytes.
func printable(text string, max int) bool {
	return len(text) <= max && utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

// clean makes a text printable, and cuts it to max bytes.
func clean(text string, max int) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		}
		return c
	}, text)
	for len(text) > max {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// cleanCode removes the characters that are not allowed in the code of a failure, and cuts it to
// maxWord bytes.
func cleanCode(code string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return -1
	}, code[:min(len(code), maxWord)])
}

func isHash(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 32 && strings.ToLower(text) == text
}

// plausible reports whether a time is one that a job can have, or zero.
func plausible(at time.Time) bool {
	year := at.UTC().Year()
	return at.IsZero() || year >= 2000 && year < 2200
}

func (f *finding) time(what string, at *time.Time) {
	f.want(at == nil || plausible(*at), "%s is %v", what, at)
}

// valid checks a record that was read from the file name of job id. Its error wraps errUnreadable.
func (r *record) valid(id job.ID, name string) error {
	var f finding
	kind, number, _ := strings.Cut(name, ".")
	f.want(r.ID == id, "it has the id of job %.40q", r.ID)
	f.want(r.State.Valid() && r.State != job.Expired, "a state of %.40q", r.State)
	f.want(r.Run >= 1 && r.Run <= maxNumber, "run %d", r.Run)
	f.want(r.Attempts >= 0 && r.Attempts <= maxNumber, "%d attempts", r.Attempts)
	f.want(r.Claim >= 0 && r.Claim <= maxNumber, "claim %d", r.Claim)
	f.want(r.Lease >= 0 && r.Lease <= maxLease.Milliseconds(), "a lease of %d ms", r.Lease)
	switch kind {
	case "claim":
		f.want(r.State == job.Running && number == fmt.Sprint(r.Claim), "it has state %s and claim %d", r.State, r.Claim)
	case "run":
		f.want(r.State == job.Queued && number == fmt.Sprint(r.Run), "it has state %s and run %d", r.State, r.Run)
	case "final":
		f.want(r.State.Finished() && number == fmt.Sprint(r.Run), "it has state %s and run %d", r.State, r.Run)
	}
	f.want(printable(r.Worker, maxWord) && printable(r.Owner, maxWord) && printable(r.Token, maxWord), "a worker, owner or token with unprintable characters or too long")
	f.settings(r.Style, r.Strength, r.Size, r.Format, r.Quality)
	f.time("created_at", &r.CreatedAt)
	f.time("started_at", r.StartedAt)
	f.time("finished_at", r.FinishedAt)
	f.want((r.FinishedAt != nil) == r.State.Finished(), "state %s does not match finished_at", r.State)
	f.want((r.Error != nil) == (r.State == job.Failed), "state %s does not match error", r.State)
	f.want((r.Result != nil) == (r.State == job.Succeeded) && (r.Receipt != nil) == (r.State == job.Succeeded), "state %s does not match result and receipt", r.State)
	f.want(r.QueuePosition == nil, "queue_position is set")
	if r.Error != nil {
		f.want(r.Error.Code == cleanCode(r.Error.Code) && printable(r.Error.Message, maxText), "an error with unprintable characters or too long")
	}
	if r.Result != nil {
		f.result(r)
	}
	if r.Receipt != nil {
		f.receipt(r.Receipt)
	}
	return f.err(name)
}

// settings checks what was asked for.
func (f *finding) settings(style string, strength float64, size int, format string, quality int) {
	f.want(printable(style, maxText), "a style with unprintable characters or too long")
	f.want(strength >= 0 && strength <= 1, "a strength of %g", strength)
	f.want(size >= 0 && size <= job.MaxSize, "a size of %d", size)
	f.want(slices.Contains(job.OutputFormats, format), "a format of %.40q", format)
	f.want(quality >= 0 && quality <= 100, "a quality of %d", quality)
}

func (f *finding) result(r *record) {
	w, h := r.Result.Width, r.Result.Height
	f.want(w >= 0 && w <= job.MaxSize && h >= 0 && h <= job.MaxSize, "a result of %d x %d", w, h)
	f.want(r.Result.Bytes >= 0 && r.Result.Bytes <= resultExtra+4*int64(w)*int64(h), "a result of %d bytes", r.Result.Bytes)
	f.want(isHash(r.Result.SHA256), "a hash of %.80q", r.Result.SHA256)
	f.want(r.Claim >= 1, "a result without a claim")
}

func (f *finding) receipt(r *job.Receipt) {
	f.want(printable(r.Worker, maxWord) && printable(r.Engine, maxWord) && printable(r.Model, maxWord), "a receipt with unprintable characters or too long")
	const most = 1e12
	for _, n := range []float64{r.QueueWaitMS, r.DecodeMS, r.StylizeMS, r.EncodeMS} {
		f.want(math.Abs(n) <= most, "a time of %g ms", n)
	}
	for _, n := range []*float64{r.BilledMS, r.MemoryMB, r.CostUSD} {
		f.want(n == nil || math.Abs(*n) <= most, "a receipt with a value out of range")
	}
}

// validSpec checks the spec of a job.
func validSpec(spec *job.Spec, id job.ID) error {
	var f finding
	f.want(spec.V == job.SpecVersion, "version %d; this program supports %d", spec.V, job.SpecVersion)
	f.want(spec.ID == id, "it has the id of job %.40q", spec.ID)
	f.want(printable(spec.Owner, maxWord), "an owner with unprintable characters or too long")
	f.settings(spec.Style, spec.Strength, spec.Size, spec.Format, spec.Quality)
	f.want(spec.MaxSize >= 0 && spec.MaxSize <= job.MaxSize, "a largest size of %d", spec.MaxSize)
	f.want(spec.Key == "" || isHash(spec.Key), "a key of %.80q", spec.Key)
	f.want(spec.Upload == "" || checkID(spec.Upload) == nil, "an upload of %.80q", spec.Upload)
	f.want(spec.StyleUpload == "" || checkID(spec.StyleUpload) == nil && spec.StyleUpload != spec.Upload && spec.StyleInput != nil, "a style upload of %.80q", spec.StyleUpload)
	f.want(spec.StoredKiB >= 0 && spec.StoredKiB <= maxStoredKiB, "%d KiB that count as stored", spec.StoredKiB)
	f.time("created_at", &spec.CreatedAt)
	f.input(&spec.Input)
	if spec.StyleInput != nil {
		f.input(spec.StyleInput)
	}
	return f.err(specFile)
}

func (f *finding) input(in *job.Input) {
	f.want(printable(in.Format, maxWord), "a format with unprintable characters or too long")
	f.want(in.Width >= 0 && in.Width <= maxEdge && in.Height >= 0 && in.Height <= maxEdge, "a picture of %d x %d", in.Width, in.Height)
	f.want(in.Bytes >= 0 && in.Bytes <= maxInput, "a picture of %d bytes", in.Bytes)
	f.want(isHash(in.SHA256), "a hash of %.80q", in.SHA256)
}
