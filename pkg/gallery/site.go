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

// contentTypes are the content types of the page's files. The machine's own tables are not used.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// PutPage stores the files of the gallery page, which have no folders. index.html is stored last,
// after the files to which it may refer.
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
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("put the page: %s has an unknown type", name)
		}
		if _, err := g.bucket.Put(ctx, name, bytes.NewReader(content), bucket.Put{ContentType: contentType, CacheControl: revalidate}); err != nil {
			return fmt.Errorf("put the page: %w", err)
		}
	}
	return nil
}
