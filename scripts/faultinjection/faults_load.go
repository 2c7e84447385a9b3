//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
)

// crowd lets an owner submit more jobs than can be painted, while another owner submits a single job now and then.
func crowd() *scenario {
	var other *client
	var usual *picture
	const most = 10 * time.Second
	return &scenario{
		name: "crowd", breaks: "an owner submits far more jobs than are painted, while another one submits one now and then",
		checks: "the other owner's jobs are painted within " + most.String(),
		every:  500 * time.Millisecond, burst: true, short: size{1500, 10}, long: size{15_000, 100},
		prepare: func(ctx context.Context, c *settings) error {
			var lines []byte
			keys := map[string]string{}
			for _, owner := range []string{"many", "few"} {
				holder, err := keyring.NewHolder(owner, []string{"submit", "read"})
				if err != nil {
					return err
				}
				var line string
				keys[owner], line = keyring.New(holder)
				lines = append(lines, line+"\n"...)
			}
			file := filepath.Join(c.folder, "keys")
			c.serverArgs = append(c.serverArgs, "--keys", file, "--uploads", "256")
			c.key, other = keys["many"], newClient(nil, keys["few"])
			all, err := pictures()
			if err != nil {
				return err
			}
			usual = all[0]
			return errors.Join(os.WriteFile(file, lines, 0o600), oneDaemon(ctx, c))
		},
		fault: func(_ context.Context, t *trial) bool {
			other.servers = t.listen
			ctx, cancel := context.WithTimeout(context.Background(), 2*most)
			defer cancel()
			began := time.Now()
			id, err := other.submit(ctx, submission{picture: usual})
			l := &load{client: other}
			var j job.Job
			if err == nil {
				j, err = l.wait(ctx, id)
			}
			if took := time.Since(began); err != nil || j.State != job.Succeeded || took > most {
				t.fail(fmt.Sprintf("the other owner's job %s was %s after %s: %v", id, j.State, took, err))
			}
			return true
		},
	}
}
