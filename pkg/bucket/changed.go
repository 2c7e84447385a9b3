package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkhttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Changed reads an object of at most max bytes, unless its ETag is known: then it returns no
// content, and known as the ETag. With an empty known it always reads. A larger object is an error.
func (b *Bucket) Changed(ctx context.Context, key, known string, max int64) (content []byte, etag string, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, IfNoneMatch: nonEmpty(known)})
	if answer, ok := errors.AsType[*sdkhttp.ResponseError](err); ok && known != "" && answer.HTTPStatusCode() == http.StatusNotModified {
		return nil, known, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", key, b.explain(err))
	}
	defer out.Body.Close()
	content, err = io.ReadAll(io.LimitReader(out.Body, max+1))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("get %s: %w: %w", key, ErrUnavailable, err)
	case int64(len(content)) > max:
		return nil, "", fmt.Errorf("get %s: it is larger than %d bytes", key, max)
	}
	return content, aws.ToString(out.ETag), nil
}
