package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// A site emulates CloudFront in front of the bucket: it serves the public objects, and reads them
// with its own signature.
type site struct {
	base   string // its URL
	server *http.Server
	bucket *bucket.Bucket
	log    *slog.Logger
}

// startSite listens on the port after the API's, or on any free port.
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

// pageFiles are the files of the gallery page.
var pageFiles = sync.OnceValue(func() []string {
	names, err := fs.Glob(api.GallerySite(), "*")
	if err != nil {
		panic(err) // the pattern is part of the program
	}
	return names
})

// manifest matches the keys of the manifests that the page reads. Other objects in gallery/ are only for the programs
// that write manifests.
var manifest = regexp.MustCompile(`^gallery/(index|\d{4}/\d{2}/\d{2}/\d{2}(/\d(\d(/\d{1,2})?)?)?)\.json$`)

// shownKey returns the key of the object at a path, "" if it must not be served, and for a picture
// its content type. Pictures come from the shared directory, into which workers write too: nothing
// from there may be served as a page or a script.
func shownKey(path string) (key, pictureType string) {
	key = strings.TrimPrefix(path, "/")
	if key == "" {
		return "index.html", ""
	}
	if name, ok := strings.CutPrefix(key, gallery.Pictures); ok {
		folder, _, format, ok := store.ParsePublished(name)
		if !ok || folder == "private" {
			return "", ""
		}
		return key, imageio.ContentType(format)
	}
	if slices.Contains(pageFiles(), key) || manifest.MatchString(key) {
		return key, ""
	}
	return "", ""
}

// sitePolicy allows the page to load only what the site serves.
const sitePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// picturePolicy disables everything in a picture, for the case that a browser treats it as a page.
const picturePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// ServeHTTP serves an object of the bucket.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, pictureType := shownKey(r.URL.Path)
	host, _, err := net.SplitHostPort(r.Host)
	switch {
	case err != nil || host != "127.0.0.1" && host != "localhost": // a foreign name that resolves to this machine (DNS rebinding)
		http.Error(w, "this is another site", http.StatusMisdirectedRequest)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this site is read-only", http.StatusMethodNotAllowed)
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
		s.log.Warn("could not read an object of the gallery's site", "key", key, "error", err)
		http.Error(w, "the bucket is unavailable", http.StatusBadGateway)
		return
	}
	defer body.Close()
	contentType, cacheControl, policy := o.ContentType, o.CacheControl, sitePolicy
	if pictureType != "" { // DataSync sets neither header
		contentType, cacheControl, policy = pictureType, gallery.CacheControl, picturePolicy
	}
	h := w.Header()
	for name, value := range map[string]string{
		"Content-Type": contentType, "Cache-Control": cacheControl, "ETag": o.ETag,
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
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
		_, _ = io.Copy(w, body) // if the client or S3 fails, the response is too short
	}
}
