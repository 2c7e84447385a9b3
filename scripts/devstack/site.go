package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// A site stands in for CloudFront before the bucket: it shows what everybody may
// see of it, and reads that with its own signature.
type site struct {
	base   string // its address
	server *http.Server
	bucket *bucket.Bucket
	log    *slog.Logger
}

// startSite listens on the port after the API's, or on any.
func startSite(ctx context.Context, locked ministack.Locked, port int, log *slog.Logger) (*site, error) {
	cfg, err := locked.Config(ctx)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1)))
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("the gallery's site: %w", err)
	}
	s := &site{base: "http://" + l.Addr().String(), bucket: bucket.New(cfg, bucketName), log: log}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute}
	go func() { _ = s.server.Serve(l) }() // ends with close
	return s, nil
}

func (s *site) close() { _ = s.server.Close() }

// maxKey is how many bytes S3 allows in a key.
const maxKey = 1024

// shownKey is the key of what an address shows; "" for what is not to be shown.
func shownKey(at string) string {
	key := strings.TrimPrefix(at, "/")
	switch {
	case key == "":
		return "index.html"
	case len(key) > maxKey || !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) || "/"+key != path.Clean("/"+key):
		return "" // no object is called that, and some of it S3 refuses to look up
	case !strings.Contains(key, "/"): // the page's files
		return key
	}
	for _, prefix := range []string{"gallery/", "pictures/public/", "pictures/thumbs/"} {
		if strings.HasPrefix(key, prefix) {
			return key
		}
	}
	return ""
}

// sitePolicy lets the page load what the site shows, and nothing else.
const sitePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers an object of the bucket.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := shownKey(r.URL.Path)
	host, _, err := net.SplitHostPort(r.Host)
	switch {
	case err != nil || host != "127.0.0.1" && host != "localhost": // a name that was bound to this machine by others
		http.Error(w, "this is another site", http.StatusMisdirectedRequest)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this site is only read", http.StatusMethodNotAllowed)
		return
	case key == "":
		http.NotFound(w, r)
		return
	}
	body, o, err := s.bucket.Get(r.Context(), key)
	if errors.Is(err, bucket.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.log.Warn("the site", "key", key, "error", err)
		http.Error(w, "the bucket is away", http.StatusBadGateway)
		return
	}
	defer body.Close()
	h := w.Header()
	for name, value := range map[string]string{
		"Content-Type": o.ContentType, "Cache-Control": o.CacheControl, "ETag": o.ETag,
		"Content-Security-Policy": sitePolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if r.Header.Get("If-None-Match") == o.ETag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.FormatInt(o.Size, 10))
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, body) // the client went away, or S3 did: it is too short then
	}
}
