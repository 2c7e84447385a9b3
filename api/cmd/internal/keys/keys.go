// Package keys opens the list of API keys that a flag names, for the mains of the API.
package keys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/parameter"
)

// Places lists the forms of a [Setting], for a flag's help.
const Places = "a file, s3://BUCKET/KEY, ssm:NAME (a parameter of AWS Systems Manager) or env:NAME (lines separated by newlines or semicolons)"

// A Setting is the place of a list of keys: the path of a file, or another form that [Places] lists.
type Setting string

// remote reports whether reading the keys takes a request to AWS.
func (s Setting) remote() bool {
	return strings.HasPrefix(string(s), "s3://") || strings.HasPrefix(string(s), "ssm:")
}

// An Opener opens lists of keys. It loads the AWS configuration if a list is on AWS.
type Opener struct {
	Getenv func(string) string
	Log    *slog.Logger
	// Lazy makes Open send no request: a list on AWS is first read when a key is looked up.
	Lazy bool
}

// Open opens a list of keys. If the list is invalid, it returns an error, unless the list is only
// read later (see Lazy).
func (o Opener) Open(ctx context.Context, s Setting) (*keyring.Ring, error) {
	source, err := o.source(ctx, s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("keys in %s: %w", s, err)
	case source == nil:
		return keyring.Open(string(s), o.Log)
	case o.Lazy && s.remote():
		return keyring.NewLazy(source, o.Log), nil
	}
	return keyring.OpenSource(source, o.Log)
}

// source returns the source of a list that is not a file, and nil for a file.
func (o Opener) source(ctx context.Context, s Setting) (keyring.Source, error) {
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		text := o.Getenv(name)
		if name == "" || text == "" {
			return nil, fmt.Errorf("the environment variable %q is not set or empty", name)
		}
		return variable{s, text}, nil
	}
	if !s.remote() {
		return nil, nil
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(string(s), "ssm:"); ok {
		if name == "" {
			return nil, errors.New("the parameter's name is missing: ssm:/atelier/keys")
		}
		return param{s, parameter.New(cfg, name)}, nil
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(string(s), "s3://"), "/")
	if name == "" || key == "" {
		return nil, errors.New("a bucket and a key are needed: s3://BUCKET/KEY")
	}
	return object{s, bucket.New(cfg, name), key}, nil
}

func (s Setting) String() string { return string(s) }

// A variable is a list of keys in an environment variable. It does not change while the process
// runs.
type variable struct {
	Setting
	text string
}

func (v variable) Read(context.Context, string) ([]byte, string, error) {
	return []byte(strings.ReplaceAll(v.text, ";", "\n")), "unchanging", nil
}

// maxObject is how many bytes are read of a list: one more than keyring accepts, so that it detects
// a list that is too long.
const maxObject = 1<<20 + 1

// An object is a list of keys in S3.
type object struct {
	Setting
	bucket *bucket.Bucket
	key    string
}

func (o object) Read(ctx context.Context, known string) ([]byte, string, error) {
	return o.bucket.Changed(ctx, o.key, known, maxObject)
}

// A param is a list of keys in a parameter of the Parameter Store. It compares the text to detect a
// change, because that service has no conditional read, and because the versions of a parameter
// that was deleted and created again begin with 1 again.
type param struct {
	Setting
	parameter *parameter.Parameter
}

func (p param) Read(ctx context.Context, _ string) ([]byte, string, error) {
	value, err := p.parameter.Read(ctx)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(value))
	return []byte(value), hex.EncodeToString(sum[:]), nil
}
