package bucket

import (
	"context"
	"fmt"
	"net/url"
	"time"

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
