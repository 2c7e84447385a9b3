package job

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// An ID names a job: a UUIDv7 in its canonical form, 36 characters in lower
// case. Its first 48 bits are the creation time in milliseconds, so that ids
// sort by age and a job's directory can be found from the id alone.
//
// An ID that came from outside must have gone through [ParseID]: the store
// turns it into a path.
type ID string

// NewID makes an id for a job created now. It fails only when the system has
// no randomness to give. Ids made by one process are strictly increasing.
func NewID() (ID, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a job id: %w", err)
	}
	return ID(u.String()), nil
}

// ParseID accepts the canonical form of a UUIDv7 alone: no braces, no "urn:",
// no upper case, no other version or variant. The error wraps [ErrBadID].
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		return "", fmt.Errorf("%w: %.60q; a job id looks like 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f", ErrBadID, s)
	}
	return ID(s), nil
}

// Time is when the id was made, in UTC, to the millisecond; the zero time for
// an ID that [ParseID] would refuse.
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
