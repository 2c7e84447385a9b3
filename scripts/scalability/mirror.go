//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/gallery"
)

// A mirror is an S3 bucket for the gallery, in the form of an HTTP transport for the SDK. Below pictures/ it has the
// published files of a shared directory as if all were copied, so that millions of pictures need no copies. All other
// objects are in memory. It is safe for concurrent use.
type mirror struct {
	published string
	requests  *counter

	mu      sync.Mutex
	objects map[string][]byte
}

func newMirror(published string, requests *counter) *mirror {
	return &mirror{published: published, requests: requests, objects: map[string][]byte{}}
}

// RoundTrip serves one request.
func (m *mirror) RoundTrip(r *http.Request) (*http.Response, error) {
	m.requests.Add(1)
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && q.Has("list-type"):
		return m.list(r, q.Get("prefix"), q.Get("continuation-token"))
	case r.Method == http.MethodPost && q.Has("delete"):
		return m.delete(r, body)
	case key == "":
		return respond(r, http.StatusOK, nil, nil), nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	content, err := m.content(key)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case r.Method == http.MethodPut:
		return m.put(r, key, body, content, err == nil), nil
	case err != nil:
		return respond(r, http.StatusNotFound, nil, []byte("<Error><Code>NoSuchKey</Code></Error>")), nil
	case r.Header.Get("If-None-Match") == etag(content):
		return respond(r, http.StatusNotModified, nil, nil), nil
	}
	return respond(r, http.StatusOK, http.Header{"Etag": {etag(content)}, "Last-Modified": {time.Now().UTC().Format(http.TimeFormat)}}, content), nil
}

func (m *mirror) content(key string) ([]byte, error) {
	if name, ok := strings.CutPrefix(key, gallery.Pictures); ok {
		return os.ReadFile(filepath.Join(m.published, filepath.FromSlash(name)))
	}
	if b, ok := m.objects[key]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (m *mirror) put(r *http.Request, key string, body, old []byte, there bool) *http.Response {
	want := r.Header.Get("If-Match")
	switch {
	case want != "" && !there:
		return respond(r, http.StatusNotFound, nil, []byte("<Error><Code>NoSuchKey</Code></Error>"))
	case want != "" && want != etag(old), there && r.Header.Get("If-None-Match") == "*":
		return respond(r, http.StatusPreconditionFailed, nil, []byte("<Error><Code>PreconditionFailed</Code></Error>"))
	}
	m.objects[key] = body
	return respond(r, http.StatusOK, http.Header{"Etag": {etag(body)}}, nil)
}

// delete removes objects. Pictures stay: the shared directory is only read.
func (m *mirror) delete(r *http.Request, body []byte) (*http.Response, error) {
	var in struct {
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range in.Object {
		delete(m.objects, o.Key)
	}
	return respond(r, http.StatusOK, nil, []byte("<DeleteResult/>")), nil
}

// A listing is S3's response to a request for a list, with the fields that the project reads.
type listing struct {
	XMLName     xml.Name `xml:"ListBucketResult"`
	IsTruncated bool
	Next        string `xml:"NextContinuationToken,omitempty"`
	Contents    []listed
}

type listed struct {
	Key          string
	Size         int64
	ETag         string
	LastModified string
}

// pageSize is the most that S3 lists in one response.
const pageSize = 1000

func (m *mirror) list(r *http.Request, prefix, after string) (*http.Response, error) {
	var found listing
	add := func(o listed) bool {
		if o.Key <= after || !strings.HasPrefix(o.Key, prefix) {
			return true
		}
		if len(found.Contents) == pageSize {
			found.IsTruncated, found.Next = true, found.Contents[pageSize-1].Key
			return false
		}
		found.Contents = append(found.Contents, o)
		return true
	}
	m.mu.Lock()
	var keys []string
	for key := range m.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	more := true
	for _, key := range keys { // all of them sort before the pictures
		b := m.objects[key]
		more = more && add(listed{key, int64(len(b)), etag(b), time.Now().UTC().Format(time.RFC3339)})
	}
	m.mu.Unlock()
	if more {
		if _, err := m.walk("", prefix, after, add); err != nil {
			return nil, err
		}
	}
	b, err := xml.Marshal(found)
	if err != nil {
		return nil, err
	}
	return respond(r, http.StatusOK, http.Header{"Content-Type": {"application/xml"}}, b), nil
}

// walk passes the published files below a folder to add, in the order of their keys, until that returns false. It skips
// folders without a key that has the prefix and is greater than after.
func (m *mirror) walk(folder, prefix, after string, add func(listed) bool) (more bool, err error) {
	entries, err := os.ReadDir(filepath.Join(m.published, filepath.FromSlash(folder)))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	keyOf := func(e fs.DirEntry) string {
		key := gallery.Pictures + folder + e.Name()
		if e.IsDir() {
			key += "/"
		}
		return key
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(keyOf(a), keyOf(b)) })
	for _, e := range entries {
		key := keyOf(e)
		if !strings.HasPrefix(key, prefix) && !strings.HasPrefix(prefix, key) || e.IsDir() && key < after && !strings.HasPrefix(after, key) {
			continue
		}
		if e.IsDir() {
			more, err = m.walk(strings.TrimPrefix(key, gallery.Pictures), prefix, after, add)
		} else if info, ierr := e.Info(); ierr == nil { // otherwise it has just been removed
			tag := fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano())
			more = add(listed{key, info.Size(), tag, info.ModTime().UTC().Format(time.RFC3339)})
		}
		if !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

func etag(b []byte) string {
	sum := sha256.Sum256(b)
	return fmt.Sprintf(`"%x"`, sum[:16])
}

func respond(r *http.Request, status int, header http.Header, body []byte) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	length := int64(len(body))
	header.Set("Content-Length", fmt.Sprint(length))
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: length, Request: r,
	}
}
