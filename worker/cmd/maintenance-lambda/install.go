package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// An installer unpacks a zip archive from S3 into the shared directory: the engine's library and
// the model of a deployment with TensorFlow. It can be run again after it was stopped. A file that
// is identical to that in the archive is not replaced, because a library must not be replaced while
// it is in use.
type installer struct {
	archive *bucket.Bucket
	key     string
	dir     string
	log     *slog.Logger
}

// errNoPayload means that the function is to install the archive, but its settings name none.
var errNoPayload = errors.New("there is no payload: set ATELIER_PAYLOAD to the s3:// address of payload.zip")

// newInstaller returns an installer of the archive at an address such as s3://bucket/key.
func newInstaller(cfg aws.Config, address, dir string, log *slog.Logger) (*installer, error) {
	name, key, _ := strings.Cut(strings.TrimPrefix(address, "s3://"), "/")
	if !strings.HasPrefix(address, "s3://") || name == "" || key == "" {
		return nil, fmt.Errorf("--payload %q is not of the form s3://BUCKET/KEY", address)
	}
	return &installer{bucket.New(cfg, name), key, dir, log}, nil
}

// install unpacks the archive.
func (i *installer) install(ctx context.Context) error {
	object, err := i.archive.Reader(ctx, i.key)
	if err != nil {
		return err
	}
	z, err := zip.NewReader(object, object.Size())
	if err != nil {
		return fmt.Errorf("read %s: %w", i.key, err)
	}
	installed := 0
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("install %s: %w; the files installed so far are kept, invoke it again", f.Name, err)
		}
		changed, err := i.file(f)
		if err != nil {
			return fmt.Errorf("install %s: %w", f.Name, err)
		}
		if changed {
			installed++
		}
	}
	i.log.Info("installed the engine and the model", "archive", i.key, "files", len(z.File), "changed", installed)
	return nil
}

// file unpacks one file. changed reports whether the file was not there already.
func (i *installer) file(f *zip.File) (changed bool, err error) {
	top, _, _ := strings.Cut(f.Name, "/")
	if !f.Mode().IsRegular() || !filepath.IsLocal(f.Name) || path.Clean(f.Name) != f.Name || top != "lib" && top != "models" {
		return false, errors.New("a payload may contain only regular files below lib/ and models/")
	}
	target := filepath.Join(i.dir, filepath.FromSlash(f.Name))
	if same(target, f) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return false, err
	}
	from, err := f.Open()
	if err != nil {
		return false, err
	}
	defer from.Close()
	// The name is random, because another installation may run at the same time.
	to, err := os.CreateTemp(filepath.Dir(target), ".new-*")
	if err != nil {
		return false, err
	}
	_, err = io.Copy(to, from) //nolint:gosec // the archive is the deployment's own
	err = errors.Join(err, to.Chmod(f.Mode().Perm()), to.Sync(), to.Close())
	if err == nil {
		err = os.Rename(to.Name(), target)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(to.Name()))
	}
	return true, nil
}

// same reports whether the file called name is identical to f in the archive, by its size and
// checksum.
func same(name string, f *zip.File) bool {
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(f.UncompressedSize64) { //nolint:gosec // it is only compared
		return false
	}
	sum := crc32.NewIEEE()
	_, err = io.Copy(sum, file)
	return err == nil && sum.Sum32() == f.CRC32
}
