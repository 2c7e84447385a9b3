package api

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// GallerySite returns the files of the gallery page as a static site, without folders; the page is
// index.html. The page reads the manifests of package gallery, beginning with gallery/index.json.
// All that it shows must have the page's own origin.
func GallerySite() fs.FS {
	names, err := fs.Glob(ui, "ui/gallery*")
	if err != nil {
		panic(err) // the pattern is part of the program
	}
	var packed bytes.Buffer // the only file system in memory of the standard library, except the one for tests
	z := zip.NewWriter(&packed)
	for _, name := range append(names, "ui/favicon.svg") {
		content, err := ui.ReadFile(name)
		if err != nil {
			panic(err) // the file is part of the program
		}
		if name = strings.TrimPrefix(name, "ui/"); name == "gallery.html" {
			name, content = "index.html", staticPage(content)
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			panic(err) // writing to memory does not fail
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	site, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		panic(err) // it was written here
	}
	return site
}

// staticPage returns the page for a site without an API. It reads its list from the manifests, has
// no link to the home page, and contains the content security policy, because no server sends one.
func staticPage(page []byte) []byte {
	for _, change := range [][2]string{
		{`content="v1/gallery?limit=60"`, `content="gallery/index.json"`},
		{` data-home="./"`, ``},
		{`<meta charset="utf-8">`, `<meta charset="utf-8">` + "\n  " +
			`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'">`},
	} {
		if bytes.Count(page, []byte(change[0])) != 1 {
			panic(fmt.Sprintf("the gallery page has not one %s", change[0]))
		}
		page = bytes.Replace(page, []byte(change[0]), []byte(change[1]), 1)
	}
	return page
}
