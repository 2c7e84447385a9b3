package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
)

// submit sends a picture, and says whether there is something to wait for.
func (b *batch) submit(ctx context.Context, t *task) bool {
	b.board.set(t, stageSending)
	j, err := b.send(ctx, t)
	if err != nil {
		b.settle(ctx, t, nil, err)
		return false
	}
	t.id = j.ID
	b.board.set(t, string(j.State))
	b.keeper.note(event{N: t.n, Job: j.ID})
	if !b.plan.Settings.Wait {
		b.settle(ctx, t, j, nil)
	}
	return b.plan.Settings.Wait
}

func (b *batch) send(ctx context.Context, t *task) (*jobAnswer, error) {
	photo, err := openPicture(ctx, b.at(t.Name), b.stdin)
	if err != nil {
		return nil, err
	}
	defer photo.file.Close()
	pictures := map[string]*picture{"image": photo}
	if b.style != nil {
		pictures["style_image"] = b.style
	}
	key, err := b.key(t, pictures)
	if err != nil {
		return nil, err
	}
	s, err := newSubmission(b.api, b.plan.Settings.fields(), pictures, key)
	if err != nil {
		return nil, err
	}
	var furthest atomic.Int64
	progress := func(sent int64) {
		if sent > furthest.Load() { // what an earlier try has sent is no news
			furthest.Store(sent)
			b.heard()
		}
	}
	return patiently(ctx, b.backoff, func() (*jobAnswer, error) {
		j, _, err := s.send(ctx, progress)
		return j, err
	})
}

// key is the Idempotency-Key of a picture: the same as long as the batch's key,
// the picture's name and content and the settings are, so that it is one job
// however often and by whichever process it is sent.
func (b *batch) key(t *task, pictures map[string]*picture) (string, error) {
	contents := map[string]string{}
	for field, p := range pictures {
		hash := sha256.New()
		if _, err := io.Copy(hash, io.NewSectionReader(p.file, 0, p.size)); err != nil {
			return "", fmt.Errorf("read %s: %w", t.Name, err)
		}
		contents[field] = hex.EncodeToString(hash.Sum(nil))
	}
	text, err := json.Marshal([]any{b.plan.Settings.Key, t.Name, b.plan.Settings.fields(), contents})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}
