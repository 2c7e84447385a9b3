package datasync

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// newCopier returns a copier with an empty store, and with an S3 that responds as given.
func newCopier(t *testing.T, s3 http.HandlerFunc) *Copier {
	t.Helper()
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	server := httptest.NewServer(s3)
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}
	return &Copier{Config: Config{Store: st, Bucket: bucket.New(cfg, "bucket"), Prefix: "pictures/"}, maxNames: maxNames, scanTime: scanTime}
}

// publish publishes a picture of a job of now, in the folder of a grain.
func publish(t *testing.T, st *store.Store, grain job.Grain, public bool) (name string) {
	t.Helper()
	id, err := job.NewIDIn(grain)
	if err != nil {
		t.Fatal(err)
	}
	name = store.Published(id, "png", public)[0]
	file := filepath.Join(st.PublishedDir(), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte("picture"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return name
}

// Of the errors of several parts the one is returned after which the scan compares their folders
// again, whichever was first.
func TestErrorOfParts(t *testing.T) {
	unread := errors.New("a folder can't be read")
	for _, test := range []struct {
		name              string
		first, last, want error
	}{
		{"a folder, then the bucket", unread, bucket.ErrUnavailable, bucket.ErrUnavailable},
		{"the bucket, then a folder", bucket.ErrUnavailable, unread, bucket.ErrUnavailable},
		{"a folder, then more objects", unread, errUnfinished, errUnfinished},
		{"more objects, then a folder", errUnfinished, unread, errUnfinished},
		{"more objects, then the bucket", errUnfinished, bucket.ErrUnavailable, bucket.ErrUnavailable},
		{"the bucket, then more objects", bucket.ErrUnavailable, errUnfinished, bucket.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			var parts []part
			for i := range maxComparisons + 1 {
				err := test.first
				if i == maxComparisons { // it begins after one of the others has ended
					err = test.last
				}
				parts = append(parts, part{
					folders: []string{strconv.Itoa(i)},
					listing: func(yield func(bucket.Object, error) bool) { yield(bucket.Object{}, err) },
				})
			}
			if _, _, err := new(Copier).compareParts(t.Context(), parts); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// Objects without a file that S3 does not delete hold up no folders, however many they are.
func TestObjectsNotDeleted(t *testing.T) {
	for _, code := range []string{"AccessDenied", "InternalError"} {
		t.Run(code, func(t *testing.T) {
			c := newCopier(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				fmt.Fprintf(w, "<DeleteResult><Error><Key>pictures/x</Key><Code>%s</Code></Error></DeleteResult>", code)
			})
			name := publish(t, c.Store, job.Second, false)
			missing, unread, err := c.compareParts(t.Context(), []part{{
				folders: []string{path.Dir(name)}, complete: true,
				listing: func(yield func(bucket.Object, error) bool) {
					for i := range maxStrangers + someStrangers + 1 {
						if !yield(bucket.Object{Key: fmt.Sprintf("pictures/private/2026/01/02/03/%d.html", i)}, nil) {
							return
						}
					}
				},
			}})
			if len(missing) != 1 || len(unread) > 0 {
				t.Errorf("missing %q, unread %q, want one that is missing", missing, unread)
			}
			if !errors.Is(err, errNotDeleted) || isUnavailable(err) {
				t.Errorf("got %v, want errNotDeleted", err)
			}
		})
	}
}

// Objects that S3 does not delete do not prevent that pictures in the same folder are tried again.
func TestMissingBesideObjectsNotDeleted(t *testing.T) {
	var gone string
	var refused atomic.Bool
	c := newCopier(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			refused.Store(true)
			fmt.Fprintf(w, "<DeleteResult><Error><Key>pictures/%s</Key><Code>AccessDenied</Code></Error></DeleteResult>", gone)
			return
		}
		fmt.Fprintf(w, "<ListBucketResult><Contents><Key>pictures/%s</Key></Contents></ListBucketResult>", gone)
	})
	id, err := job.NewIDIn(job.Hour)
	if err != nil {
		t.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", CreatedAt: time.Now()}
	if err := errors.Join(c.Store.Create(&spec, []byte("photograph"), nil), c.Store.Erase(id, store.Erased)); err != nil {
		t.Fatal(err)
	}
	gone = store.Published(id, "jpeg", false)[0]
	picture := publish(t, c.Store, job.Hour, false)
	missing, err := c.missingOf(t.Context(), []string{gone, picture})
	if err != nil || !slices.Equal(missing, []string{picture}) {
		t.Errorf("missing %q, %v; want %s", missing, err, picture)
	}
	if !refused.Load() {
		t.Error("no object was to be deleted, so the test proves nothing")
	}
}
