package api

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed ui
var ui embed.FS

// pageRoutes serve the page: plain files, embedded, with relative links.
func pageRoutes(mux *http.ServeMux) {
	files, err := fs.Sub(ui, "ui")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	page := http.FileServerFS(files)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if _, err := fs.Stat(files, name(r.URL.Path)); err != nil {
			p := newProblem(http.StatusNotFound, "not_found", "nothing is here; the page is at / and the API's description at /v1/openapi.json")
			writeJSON(w, p.Status, p.ContentType(""), p)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		page.ServeHTTP(w, r)
	})
}

// name is the embedded file of a path.
func name(path string) string {
	if path == "/" {
		return "index.html"
	}
	return path[1:]
}
