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

// A Link defines how S3 responds to requests with a link to an object.
type Link struct {
	For          time.Duration // validity; at most seven days, and not longer than that of the signing credentials
	ContentType  string
	Disposition  string
	CacheControl string
}

// Link signs a URL that allows any client to GET an object, with ranges, but not HEAD. It sends no
// request to S3: the object need not exist.
func (b *Bucket) Link(ctx context.Context, key string, l Link) (string, error) {
	in := &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, ResponseContentType: nonEmpty(l.ContentType),
		ResponseContentDisposition: nonEmpty(l.Disposition), ResponseCacheControl: nonEmpty(l.CacheControl),
	}
	request, err := b.signer.PresignGetObject(ctx, in, s3.WithPresignExpires(l.For))
	if err != nil {
		return "", fmt.Errorf("sign a link to %s: %w", key, err)
	}
	return request.URL, nil
}

// A PutLink is a signed request that allows any client to store an object.
type PutLink struct {
	URL    string
	Header http.Header // to be sent with it, in addition to Content-Length
}

// PutLink signs a request that stores an object of exactly size bytes, more than 0, under a key that
// does not exist yet. S3 responds with 412 if the key exists, and with 403 if the length is another,
// the headers are missing, or the link has expired. PutLink sends no request to S3.
func (b *Bucket) PutLink(ctx context.Context, key string, size int64, valid time.Duration) (PutLink, error) {
	in := &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentLength: &size, IfNoneMatch: aws.String("*")}
	request, err := b.signer.PresignPutObject(ctx, in, s3.WithPresignExpires(valid), func(o *s3.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) {
			// The SDK would sign the checksum of a body that is not available here.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		})
	})
	if err != nil {
		return PutLink{}, fmt.Errorf("sign a request to put %s: %w", key, err)
	}
	header := request.SignedHeader.Clone()
	header.Del("Host")           // part of the URL
	header.Del("Content-Length") // set from the body; browsers don't let pages set it
	return PutLink{request.URL, header}, nil
}

// Origin returns the scheme and host of links, for a page's content security policy.
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
