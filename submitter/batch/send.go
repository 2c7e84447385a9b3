package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// submit submits a picture, and reports whether to wait for its job.
func (b *Batch) submit(ctx context.Context, t *task) bool {
	b.stages.set(t, stageSending)
	j, err := b.send(ctx, t)
	if err != nil {
		b.finish(ctx, t, nil, err)
		return false
	}
	t.id = j.ID
	b.stages.set(t, string(j.State))
	b.journal.append(event{N: t.n, Job: j.ID})
	if !b.header.Options.Wait {
		b.finish(ctx, t, j, nil)
	}
	return b.header.Options.Wait
}

func (b *Batch) send(ctx context.Context, t *task) (*client.Job, error) {
	photograph, err := picture.Open(ctx, b.resolve(t.Name), b.config.Stdin)
	if err != nil {
		return nil, err
	}
	defer photograph.Close()
	key, err := b.key(t, photograph)
	if err != nil {
		return nil, err
	}
	s, err := b.config.API.NewSubmission(&b.header.Options.Job, photograph, b.style, key)
	if err != nil {
		return nil, err
	}
	var furthest atomic.Int64
	sent := func(bytes int64) {
		if bytes > furthest.Load() { // what an earlier try has sent is no progress
			furthest.Store(bytes)
			b.progress()
		}
	}
	return persist(ctx, b.backoff, func() (*client.Job, error) {
		j, _, err := s.Send(ctx, sent)
		return j, err
	})
}

// key returns the Idempotency-Key of a picture. It depends on the key of the batch, the name and
// content of the picture, and the options of the jobs. So a picture becomes one job, however often
// it is sent, and by whichever process.
func (b *Batch) key(t *task, photograph *picture.File) (string, error) {
	contents := map[string]string{}
	for name, p := range map[string]*picture.File{"image": photograph, "style_image": b.style} {
		if p == nil {
			continue
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, io.NewSectionReader(p, 0, p.Size)); err != nil {
			return "", fmt.Errorf("read %s: %w", t.Name, err)
		}
		contents[name] = hex.EncodeToString(hash.Sum(nil))
	}
	text, err := json.Marshal([]any{b.header.Options.Key, t.Name, b.header.Options.Job.Fields(), contents})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}
