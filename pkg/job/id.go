package job

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// An ID names a job: a UUIDv7 in its canonical form, 36 characters in lower case. Its first 48 bits
// are the creation time in milliseconds, so ids sort by age and a job's folder follows from its id.
//
// The last two bits are the [Grain] of the job's folder in the store.
//
// An ID from outside must have been checked by [ParseID], because the store makes a path of it.
type ID string

// A Grain is the length of time whose jobs share a folder of the store.
type Grain int

// The grains. A new id gets the coarsest one whose folder is not full, so that few jobs need few
// folders and many jobs no folder with more than about a thousand names.
const (
	Hour Grain = iota
	Minute
	Second
)

// folderForms are the layouts of the folders' names, for [time.Time.Format].
var folderForms = [...]string{Hour: "2006/01/02/15", Minute: "2006/01/02/15/04", Second: "2006/01/02/15/04/05"}

// Folder returns the folder for jobs that are created at a time, as a path with slashes, such as
// 2026/11/30/04/59 for a grain of Minute.
func (g Grain) Folder(at time.Time) string { return at.UTC().Format(folderForms[g]) }

// NewID makes an id for a job created now, with the grain Hour. It fails only if the system has no
// randomness. The ids made by one process are strictly increasing.
func NewID() (ID, error) { return NewIDIn(Hour) }

// NewIDIn is [NewID] with the given grain.
func NewIDIn(g Grain) (ID, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a job id: %w", err)
	}
	u[len(u)-1] = u[len(u)-1]&^grainBits | byte(g)
	return ID(u.String()), nil
}

// grainBits masks the bits of the last byte that hold the grain.
const grainBits = 3

// Folder returns the slash-separated path of the job's folder in the store; "" for an id that is
// not a UUID.
func (id ID) Folder() string {
	u, err := uuid.Parse(string(id))
	if err != nil {
		return ""
	}
	return min(Grain(u[len(u)-1]&grainBits), Second).Folder(id.Time())
}

// ParseID accepts only the canonical form of a UUIDv7: no braces, no "urn:", no upper case, no
// other version or variant. The error wraps [ErrBadID].
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		return "", fmt.Errorf("%w: %.60q; a job id looks like 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f", ErrBadID, s)
	}
	return ID(s), nil
}

// Time returns when the id was made, in UTC, to the millisecond; the zero time for an ID that
// [ParseID] refuses.
func (id ID) Time() time.Time {
	u, err := uuid.Parse(string(id))
	if err != nil || u.Version() != 7 {
		return time.Time{}
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}
