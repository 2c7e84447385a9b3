package api

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/formats"
)

//go:embed ui
var ui embed.FS

// pageHeaders are the headers of every file of the page, besides the content security policy.
var pageHeaders = map[string]string{
	"Referrer-Policy": "no-referrer",
	"Cache-Control":   "no-cache", // files of two versions must not be mixed; the ETag makes validation cheap
}

// contentSecurityPolicy returns a policy that allows only files of this server; blob:, for pictures
// that the user chose or that were fetched with an API key; and linkOrigin, the origin to which
// results are redirected, unless it is empty.
func contentSecurityPolicy(linkOrigin string) string {
	if linkOrigin != "" {
		linkOrigin = " " + linkOrigin
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:" + linkOrigin + "; connect-src 'self'" + linkOrigin +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// pageTypes are the content types of the page's files. Package mime is not used, because it also
// reads the machine's own tables, and a browser runs no script of another type if the response has
// nosniff.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// indexPage fills index.html in: the formats of pictures, and whether the server requires API keys.
// The page then asks for a key before a request is refused.
func indexPage(page string, keyless bool) string {
	var choices []string
	for i, f := range formats.Outputs() {
		checked := ""
		if i == 0 {
			checked = " checked"
		}
		choices = append(choices, fmt.Sprintf(`<label><input type="radio" name="format" value="%s"%s><span>%s</span></label>`, f.Name, checked, f.Title))
	}
	changes := []string{
		"{content types}", strings.Join(formats.ContentTypes(formats.All()), ","),
		"{formats}", formats.Titles(formats.All(), "or"),
		"{format choices}", strings.Join(choices, "\n          "),
	}
	if !keyless {
		changes = append(changes, `data-keys="none"`, `data-keys="needed"`)
	}
	return strings.NewReplacer(changes...).Replace(page)
}

// pageRoutes adds the routes of the page: embedded files with relative links.
func pageRoutes(mux *router, keyless bool, linkOrigin string) {
	files, err := fs.Glob(ui, "ui/*")
	if err != nil {
		panic(err) // the pattern is part of the program
	}
	for _, name := range files {
		content, err := ui.ReadFile(name)
		if err != nil {
			panic(err) // the file is part of the program
		}
		pattern := "GET /" + path.Base(name)
		switch path.Base(name) {
		case "index.html":
			pattern = "GET /{$}"
			content = []byte(indexPage(string(content), keyless))
		case "gallery.html":
			pattern = "GET /gallery"
		}
		contentType, ok := pageTypes[path.Ext(name)]
		if !ok {
			panic("the page has a file of unknown type: " + name)
		}
		mux.HandleFunc(pattern, servePage(contentType, contentSecurityPolicy(linkOrigin), content))
	}
	// The page's links are relative, and so is this one: there may be a stage prefix.
	mux.HandleFunc("GET /gallery/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "../gallery")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

func servePage(contentType, policy string, content []byte) http.HandlerFunc {
	etag := etagOf(content)
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for k, v := range pageHeaders {
			h.Set(k, v)
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", contentType)
		h.Set("ETag", etag)
		serveContent(w, r, time.Time{}, bytes.NewReader(content))
	}
}
