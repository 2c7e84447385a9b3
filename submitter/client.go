package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client speaks to one API. It is safe for concurrent use.
type client struct {
	base *url.URL // ends in a slash, so that addresses in answers resolve against it
	http *http.Client
	credential
}

// Times to wait for the network, apart from --timeout, which bounds everything.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = time.Minute      // from the end of the request to the head of the answer
	pollTimeout   = 30 * time.Second // for a whole small answer
)

func newClient(address string, key credential) (*client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, faultf(errUsage, "--api %.200q is not the base address of an API, such as %s", address, defaultAPI)
	}
	if !strings.HasSuffix(base.Path, "/") {
		base = base.JoinPath("/")
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return newPatientConn(conn), nil
		},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   2 * maxParallel,
		DisableCompression:    true, // pictures don't shrink, and a length must be the picture's own
	}
	return &client{base, &http.Client{Transport: transport, CheckRedirect: checkRedirect}, key}, nil
}

// checkRedirect follows no redirect of a submission: the picture goes to the
// address that was given and to no other. Neither does the key: net/http alone
// would send it to another port of the same machine.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) >= 5 {
		return http.ErrUseLastResponse
	}
	if !sameOrigin(r.URL, via[0].URL) {
		r.Header.Del("Authorization")
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// A jobAnswer is a job as the API told it.
type jobAnswer struct {
	job.Job
	raw        []byte // the API's JSON, which may know more than Job does
	etag       string
	retryAfter time.Duration // 0 where the API named none
}

// job reads a job. With the ETag of an earlier answer it returns nil, and only
// Retry-After's duration, while nothing has changed; the API may take so long as
// wait to see whether something does.
func (c *client) job(ctx context.Context, id job.ID, etag string, wait time.Duration) (*jobAnswer, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+pollTimeout)
	defer cancel()
	address := jobAddress(id)
	if wait > 0 {
		address += "?wait=" + strconv.Itoa(int(wait/time.Second))
	}
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	resp, err := c.get(ctx, address, header)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return nil, retryAfter(resp.Header), nil
	}
	j, err := c.readJob(resp)
	if err == nil && j.ID != id {
		err = faultf(errAway, "asked for job %s, the API answered job %.60q", id, j.ID)
	}
	return j, retryAfter(resp.Header), err
}

func jobAddress(id job.ID) string { return "v1/jobs/" + string(id) }

// change asks for a change to a job, once. The answer is nil where the API
// answers with none.
func (c *client) change(ctx context.Context, method, address string) (*jobAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, address, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	return c.readJob(resp)
}

type styleList struct {
	Styles []struct{ Name, Title string }
	raw    []byte // the API's JSON
}

func (c *client) styles(ctx context.Context) (*styleList, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	resp, err := c.get(ctx, "v1/styles", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	list := new(styleList)
	list.raw, err = c.readJSON(resp, list)
	return list, err
}

// get answers a GET with status 200 or 304; every other is an error.
func (c *client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	return c.send(ctx, http.MethodGet, address, header, nil)
}

// send sends one request to an address relative to the API's.
func (c *client) send(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Response, error) {
	u, err := c.base.Parse(address)
	if err != nil {
		return nil, faultf(errAway, "the API names an address that can't be read: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	return c.do(req)
}

// do sends one request, and turns the answers that are no answer into errors.
func (c *client) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "atelier-submitter")
	if c.key != "" && sameOrigin(req.URL, c.base) { // an answer may name an address elsewhere
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.networkError(req.Context(), err)
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300, resp.StatusCode == http.StatusNotModified:
		return resp, nil
	}
	defer resp.Body.Close()
	if at := resp.Request.URL; !sameOrigin(at, c.base) {
		return nil, faultf(errAway, "%s://%s, where the API sends for the picture, answered %s", at.Scheme, at.Host, resp.Status)
	}
	return nil, c.problem(resp)
}

const maxJSON = 8 << 20 // of an answer: far above any, yet bounded

func (c *client) readJob(resp *http.Response) (*jobAnswer, error) {
	j := &jobAnswer{etag: resp.Header.Get("ETag"), retryAfter: retryAfter(resp.Header)}
	var err error
	if j.raw, err = c.readJSON(resp, &j.Job); err != nil {
		return nil, err
	}
	if _, err := job.ParseID(string(j.ID)); err != nil {
		return nil, c.notAtelier()
	}
	return j, nil
}

func (c *client) readJSON(resp *http.Response, v any) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJSON))
	if err != nil {
		return nil, c.networkError(resp.Request.Context(), err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, c.notAtelier()
	}
	return bytes.TrimSpace(raw), nil
}

func (c *client) notAtelier() error {
	return fmt.Errorf("%s answers, but not as Atelier's API does: is the address right?", c.base.Redacted())
}
