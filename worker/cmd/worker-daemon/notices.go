package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// noticesEvery is how often to look. A Spot notice comes two minutes before the instance is
// interrupted; AWS recommends looking every 5 seconds, and jobs that are not begun go on
// elsewhere the sooner.
const noticesEvery = 2 * time.Second

// notices reads EC2's announcements that this instance will be interrupted or
// terminated, from its metadata service. It is safe for concurrent use.
type notices struct {
	client *imds.Client
	every  time.Duration
	log    *slog.Logger
}

// The metadata of an announcement.
const (
	spotPath      = "spot/instance-action"               // JSON; 404 as long as there is no notice
	lifecyclePath = "autoscaling/target-lifecycle-state" // InService, Terminated...; 404 outside of Auto Scaling groups
)

// until returns a context that ends with parent, or when the instance's end is announced.
// The caller calls stop to release it. An unreachable metadata service is logged once
// and asked again.
func (n *notices) until(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = context.WithCancel(parent)
	go func() {
		tick := time.NewTicker(n.every)
		defer tick.Stop()
		failing := false
		for {
			notice, err := n.look(ctx)
			if ctx.Err() != nil {
				return
			}
			if notice != "" {
				n.log.Info("EC2 ends this instance: no more jobs are taken", "notice", notice)
				stop()
				return
			}
			if err != nil && !failing {
				n.log.Warn("the instance metadata service cannot be read for notices; trying again", "every", n.every, "error", err)
			}
			failing = err != nil
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return ctx, stop
}

// look returns the announcement; "" is none.
func (n *notices) look(ctx context.Context) (string, error) {
	spot, err := n.read(ctx, spotPath)
	if spot != "" {
		return spot, nil
	}
	state, lerr := n.read(ctx, lifecyclePath)
	if strings.HasPrefix(state, "Terminat") { // Terminated, Terminating:Wait
		return lifecyclePath + ": " + state, nil
	}
	return "", errors.Join(err, lerr)
}

// read returns an item of the metadata; "" where there is none.
func (n *notices) read(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, n.every)
	defer cancel()
	out, err := n.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer out.Content.Close()
	const most = 4 << 10 // a notice has 70 bytes
	b, err := io.ReadAll(io.LimitReader(out.Content, most))
	return strings.TrimSpace(string(b)), err
}

// newNotices reads the metadata service that the SDK's settings name: EC2's own, or
// $AWS_EC2_METADATA_SERVICE_ENDPOINT.
func newNotices(cfg aws.Config, log *slog.Logger) *notices {
	return &notices{client: imds.NewFromConfig(cfg), every: noticesEvery, log: log}
}
