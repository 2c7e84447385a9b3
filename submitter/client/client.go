package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client speaks to one API. It is safe for concurrent use.
type client struct {
	base *url.URL // ends in a slash, so that addresses in answers resolve against it
	http *http.Client
	credential

	noUploads atomic.Bool // the API has no place for large pictures, as it has said
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
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  answerTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    2 * maxParallel,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // pictures don't shrink, and a length must be the picture's own
	}
	c := &client{base: base, http: &http.Client{Transport: transport}, credential: key}
	c.http.CheckRedirect = c.checkRedirect
	return c, nil
}

// checkRedirect follows no redirect of a submission: the picture goes to the
// address that was given and to no other. Neither does the key: net/http alone
// would send it to another port of the same machine.
func (c *client) checkRedirect(r *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) >= 5 {
		return http.ErrUseLastResponse
	}
	if err := c.checkLink(r.URL); err != nil {
		return err
	}
	if !sameOrigin(r.URL, via[0].URL) {
		r.Header.Del("Authorization")
		r.Header.Del("Referer") // it names the job
	}
	return nil
}

// checkLink says whether an address that the API names may be asked: on the web, and not
// without encryption where the API has it.
func (c *client) checkLink(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || c.base.Scheme == "https") {
		return c.damaged("it sends from %s to an address with %.20q", c.base.Scheme, u.Scheme+"://")
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
	j, err := c.readJobOf(resp, id)
	return j, retryAfter(resp.Header), err
}

func jobAddress(id job.ID) string { return "v1/jobs/" + string(id) }

// change asks for a change to a job, once: POST with an action such as "/cancel", or
// DELETE, to which the answer is nil.
func (c *client) change(ctx context.Context, method string, id job.ID, action string) (*jobAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, jobAddress(id)+action, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case method != http.MethodDelete:
		return c.readJobOf(resp, id)
	case resp.StatusCode != http.StatusNoContent:
		return nil, c.damaged("asked to erase job %s, it says %s", id, statusText(resp))
	}
	return nil, nil
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
	if list.raw, err = c.readJSON(resp, list); err == nil && list.Styles == nil {
		err = c.damaged("it was asked for styles")
	}
	return list, err
}

// get answers a GET with a status of success, or 304 if it was conditional; every other
// is an error.
func (c *client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	return c.send(ctx, http.MethodGet, address, header, nil)
}

// send sends one request to an address relative to the API's.
func (c *client) send(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Response, error) {
	u, err := c.base.Parse(address)
	if err != nil {
		return nil, faultf(errAway, "the API names an address that can't be read: %w", err)
	}
	if err := c.checkLink(u); err != nil {
		return nil, err
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

const userAgent = "atelier-submitter"

// do sends one request, and turns the answers that are no answer into errors.
func (c *client) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", userAgent)
	if c.key != "" && sameOrigin(req.URL, c.base) { // an answer may name an address elsewhere
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.networkError(req.Context(), err)
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300,
		resp.StatusCode == http.StatusNotModified && req.Header.Get("If-None-Match") != "":
		return resp, nil
	}
	defer resp.Body.Close()
	if at := resp.Request.URL; !sameOrigin(at, c.base) {
		return nil, faultf(errAway, "%s://%s, where the API sends for the picture, answered %s", at.Scheme, at.Host, statusText(resp))
	}
	return nil, c.problem(resp)
}

const maxJSON = 1 << 20 // of an answer: a page of 100 jobs has a tenth of it

func (c *client) readJob(resp *http.Response) (*jobAnswer, error) {
	j := &jobAnswer{etag: resp.Header.Get("ETag"), retryAfter: retryAfter(resp.Header)}
	var err error
	if j.raw, err = c.readJSON(resp, &j.Job); err != nil {
		return nil, err
	}
	return j, c.check(&j.Job)
}

// readJobOf reads an answer about a job.
func (c *client) readJobOf(resp *http.Response, id job.ID) (*jobAnswer, error) {
	j, err := c.readJob(resp)
	if err == nil && j.ID != id {
		err = c.damaged("asked for job %s, it says job %s", id, j.ID)
	}
	return j, err
}

// check holds a job that was read against what every job has.
func (c *client) check(j *job.Job) error {
	switch err := c.checkID(j.ID); {
	case err != nil:
		return err
	case !j.State.Valid():
		return c.damaged("job %s is in the state %.20q", j.ID, j.State)
	case j.State == job.Succeeded && j.Result == nil:
		return c.damaged("job %s has succeeded without a result", j.ID)
	}
	return nil
}

func (c *client) checkID(id job.ID) error {
	if _, err := job.ParseID(string(id)); err != nil {
		return c.damaged("%w", err)
	}
	return nil
}

// checkCursor passes what can be the cursor of a list's next page, or none.
func (c *client) checkCursor(cursor string) error {
	if len(cursor) > 1000 || strings.ContainsFunc(cursor, func(r rune) bool { return !visible(r) }) {
		return c.damaged("its list goes on at %.20q", cursor)
	}
	return nil
}

func (c *client) readJSON(resp *http.Response, v any) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJSON+1))
	switch {
	case err != nil:
		return nil, c.networkError(resp.Request.Context(), err)
	case len(raw) > maxJSON:
		return nil, c.damaged("an answer has more than %d bytes", maxJSON)
	case json.Unmarshal(raw, v) != nil:
		return nil, c.notAtelier()
	}
	sanitize(v)
	return raw, nil
}

// errDamaged: an API that is there has answered what can't be right.
var errDamaged = errors.New("damaged")

// damaged is the error of an answer that was read and makes no sense.
func (c *client) damaged(format string, args ...any) error {
	return faultf(errAway, "%s does not answer as Atelier's API does: %w%w", c.base.Redacted(), fmt.Errorf(format, args...), silent{errDamaged})
}

func (c *client) notAtelier() error {
	return fmt.Errorf("%s answers, but not as Atelier's API does: is the address right?", c.base.Redacted())
}
