package measurement

import (
	"context"
	"fmt"
	"time"
)

// service measures one worker alone: the first picture of its process, and then v.Jobs more, one
// after the other.
func (p Programs) service(ctx context.Context, v Variant) (run *Run, err error) {
	f, err := p.function(v)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := f.close(); err == nil {
			err = cerr
		}
	}()
	var files, stayed int64
	if v.Evicted {
		if files, stayed, err = p.evict(v.Engine); err != nil {
			return nil, err
		}
	}
	u, err := startUsage()
	if err != nil {
		return nil, err
	}
	run = new(Run)
	began := time.Now()
	for range v.Jobs + 1 {
		reads, err := p.reads()
		if err != nil {
			return nil, err
		}
		before, disk, at := u.ofPrograms(), v.diskBytes(), time.Now()
		j, err := f.paint(ctx, f.next())
		if err != nil {
			return nil, err
		}
		j.Scheduled, j.Latency = at.Sub(began).Seconds(), time.Since(at).Seconds()
		j.Used = max(0, sum(u.ofPrograms())-sum(before))
		j.DiskBytes = v.diskBytes() - disk
		now, err := p.reads()
		if err != nil {
			return nil, err
		}
		reads = now.Since(reads)
		j.NFSReads, j.NFSBytes, j.NFSWaited = reads.Calls, reads.Bytes, reads.Waited.Seconds()
		run.Jobs = append(run.Jobs, j)
	}
	run.Footer = u.footer(time.Since(began))
	run.Footer.Files, run.Footer.Stayed = files, stayed
	logged, err := attempts(f.log)
	if err != nil {
		return nil, err
	}
	for n := range run.Jobs {
		j := &run.Jobs[n]
		a, ok := logged[j.ID]
		if !ok {
			return nil, fmt.Errorf("the function's log has no result of job %s: see %s", j.ID, f.log)
		}
		a.fill(j)
	}
	return run, nil
}
