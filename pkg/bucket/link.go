package bucket

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Link says how an object is answered to whoever has the link to it.
type Link struct {
	For          time.Duration // how long it opens; at most seven days, and no longer than the credentials that sign it
	ContentType  string
	Disposition  string
	CacheControl string
}

// Link signs an address at which anybody can GET an object, with ranges but not
// HEAD. It asks nothing of S3: there need not be such an object.
func (b *Bucket) Link(ctx context.Context, key string, l Link) (string, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	for _, f := range []struct {
		field **string
		value string
	}{
		{&in.ResponseContentType, l.ContentType}, {&in.ResponseContentDisposition, l.Disposition}, {&in.ResponseCacheControl, l.CacheControl},
	} {
		if f.value != "" {
			*f.field = &f.value
		}
	}
	request, err := b.signer.PresignGetObject(ctx, in, s3.WithPresignExpires(l.For))
	if err != nil {
		return "", fmt.Errorf("sign a link to %s: %w", key, err)
	}
	return request.URL, nil
}

// A PutLink is a request with which anybody can store an object.
type PutLink struct {
	URL    string
	Header http.Header // to be sent with it, besides the length of the body
}

// PutLink signs a request that stores an object of exactly size bytes, more than 0,
// under a key that holds none yet. S3 answers 412 where it does, and 403 to another
// length, without the headers, and after the link's time. It asks nothing of S3.
func (b *Bucket) PutLink(ctx context.Context, key string, size int64, valid time.Duration) (PutLink, error) {
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentLength: &size, IfNoneMatch: aws.String("*")}
	request, err := b.signer.PresignPutObject(ctx, in, s3.WithPresignExpires(valid), func(o *s3.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) {
			// The checksum that the SDK would sign is that of the body, which is not here.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		})
	})
	if err != nil {
		return PutLink{}, fmt.Errorf("sign a request to put %s: %w", key, err)
	}
	header := request.SignedHeader.Clone()
	header.Del("Host")           // follows from the URL
	header.Del("Content-Length") // follows from the body, and a browser lets no page set it
	return PutLink{request.URL, header}, nil
}

// Origin is where links lead, scheme and host, for a page's policy.
func (b *Bucket) Origin(ctx context.Context) (string, error) {
	link, err := b.Link(ctx, "x", Link{For: time.Minute})
	if err != nil {
		return "", err
	}
	u, err := url.Parse(link)
	if err != nil {
		return "", fmt.Errorf("origin of bucket %s: %w", b.name, err)
	}
	return u.Scheme + "://" + u.Host, nil
}
