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

// pageFiles are the files of the gallery page.
var pageFiles = sync.OnceValue(func() []string {
	names, err := fs.Glob(api.GallerySite(), "*")
	if err != nil {
		panic(err) // the pattern is part of the program
	}
	return names
})

// A manifest is what the page reads. What the bucket holds beside them in gallery/ is
// for those who write them.
var manifest = regexp.MustCompile(`^gallery/(index|\d{4}/\d{2}/\d{2}/\d{2}(/\d(\d(/\d{1,2})?)?)?)\.json$`)

// shownKey is the key of what an address shows, "" for what is not to be shown, and of
// a picture its content type. Pictures come from the shared directory, into which
// workers write too: nothing from there may be a page or a script.
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

// sitePolicy lets the page load what the site shows, and nothing else.
const sitePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// picturePolicy lets a picture do nothing, whatever it is taken for.
const picturePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// ServeHTTP answers an object of the bucket.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, pictureType := shownKey(r.URL.Path)
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
	contentType, cacheControl, policy := o.ContentType, o.CacheControl, sitePolicy
	if pictureType != "" { // DataSync sets neither
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
		_, _ = io.Copy(w, body) // the client went away, or S3 did: it is too short then
	}
}
