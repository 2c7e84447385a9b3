package gallery

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// pageTypes are the types of a page's files, which go by no machine's own tables.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// PutPage stores the files of a page, which have no folders, with its index.html
// after what that may name.
func (g *Gallery) PutPage(ctx context.Context, page fs.FS) error {
	names, err := fs.Glob(page, "*")
	if err != nil {
		return err
	}
	const first = "index.html"
	for _, name := range append(slices.DeleteFunc(names, func(name string) bool { return name == first }), first) {
		content, err := fs.ReadFile(page, name)
		if err != nil {
			return fmt.Errorf("put the page: %w", err)
		}
		contentType, ok := pageTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("put the page: %s: of unknown type", name)
		}
		if _, err := g.bucket.Put(ctx, name, bytes.NewReader(content), bucket.Put{ContentType: contentType, CacheControl: always}); err != nil {
			return fmt.Errorf("put the page: %w", err)
		}
	}
	return nil
}
