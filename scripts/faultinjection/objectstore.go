//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const bucketName = "atelier"

// An objectStore is S3 with one bucket: MiniStack, behind a network of its own. It does not check signatures: S3 would
// refuse those of a process whose clock is set, because of their time.
type objectStore struct {
	*bucket.Bucket
	network *network
	server  *process
}

// newObjectStore starts MiniStack and creates the bucket. The caller closes it.
func newObjectStore(ctx context.Context, c *settings, out *os.File, fail func(string)) (_ *objectStore, err error) {
	port, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.folder, "ministack")
	if err := os.Mkdir(dir, 0o750); err != nil {
		return nil, err
	}
	o := &objectStore{server: &process{name: "ministack", log: out, fail: fail, command: func() *exec.Cmd {
		cmd := exec.Command(c.ministack)
		cmd.Dir = dir
		cmd.Env = append(ministack.Clean(os.Environ()), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+strconv.Itoa(port), "SERVICES=s3", "IOT_MTLS_ENABLED=0", "LOG_LEVEL=ERROR")
		return cmd
	}}}
	o.server.start()
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := ministack.WaitReady(ctx, ministack.Endpoint(port)+"/_ministack/health"); err != nil {
		return nil, err
	}
	to, err := url.Parse(ministack.Endpoint(port))
	if err != nil {
		return nil, err
	}
	o.network, err = newNetwork(&httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ErrorLog: log.New(io.Discard, "", 0), // about clients that have ended
		// MiniStack closes a connection after it has refused a body, and a PUT that is sent on it meanwhile fails.
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	if err != nil {
		return nil, err
	}
	cfg, err := ministack.Config(ctx, "http://"+o.network.address)
	if err != nil {
		return nil, err
	}
	o.Bucket, err = bucket.Create(ctx, cfg, bucketName)
	if err != nil {
		return nil, fmt.Errorf("MiniStack: %w", err)
	}
	return o, nil
}

func (o *objectStore) close() {
	if o.network != nil {
		o.network.close()
	}
	o.server.close()
}
