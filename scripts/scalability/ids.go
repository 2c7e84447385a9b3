//go:build linux

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/atelier-go/atelier/pkg/job"
)

// A day is a number of jobs that were submitted at equal intervals. Their ids follow from these values alone, so that
// an interrupted generation continues and a measurement has all ids, without a list.
type day struct {
	Start     time.Time `json:"start"` // of the first job
	Jobs      int       `json:"jobs"`
	PerSecond float64   `json:"per_second"`
	Seed      uint64    `json:"seed"`
}

// at returns when job number i was submitted.
func (d day) at(i int) time.Time {
	return d.Start.Add(time.Duration(float64(i) / d.PerSecond * float64(time.Second)))
}

// fullFolder is the number of names at which the store puts no more jobs into the folder of an hour or a minute;
// see pkg/store/DESIGN.md, "Folders by grain".
const fullFolder = 500

// grain returns the grain that the store would choose for job number i if a single process made all jobs.
func (d day) grain(i int) job.Grain {
	at := d.at(i)
	switch {
	case i-d.first(at.Truncate(time.Hour)) < fullFolder:
		return job.Hour
	case i-max(d.first(at.Truncate(time.Minute)), d.first(at.Truncate(time.Hour))+fullFolder) < fullFolder:
		return job.Minute
	}
	return job.Second
}

// first returns the number of the first job at or after a time.
func (d day) first(at time.Time) int {
	i := max(0, int(at.Sub(d.Start).Seconds()*d.PerSecond)-1)
	for i < d.Jobs && d.at(i).Before(at) {
		i++
	}
	return i
}

// id returns the id of job number i.
func (d day) id(i int) job.ID {
	chance := rand.NewPCG(d.Seed, uint64(i)) //nolint:gosec // not negative
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], chance.Uint64())
	binary.BigEndian.PutUint64(u[8:], chance.Uint64())
	ms := uint64(d.at(i).UnixMilli()) //nolint:gosec // after 1970
	for b := range 6 {
		u[b] = byte(ms >> (8 * (5 - b))) //nolint:gosec // one byte of it
	}
	u[6] = u[6]&0x0f | 0x70                // version 7
	u[8] = u[8]&0x3f | 0x80                // the variant
	u[15] = u[15]&^0x03 | byte(d.grain(i)) //nolint:gosec // 0 to 2
	return job.ID(u.String())
}
