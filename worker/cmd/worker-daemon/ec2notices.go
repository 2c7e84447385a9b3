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

// noticesInterval is the time between two looks for a notice. EC2 gives notice of a Spot
// interruption two minutes before, and AWS recommends to look every 5 seconds. With a shorter
// interval, jobs that are not begun go to other workers sooner.
const noticesInterval = 2 * time.Second

// notices looks in the instance metadata service for EC2's notices that this instance will be
// interrupted or terminated. It is safe for concurrent use.
type notices struct {
	client   *imds.Client
	interval time.Duration
	log      *slog.Logger
}

// The paths of the notices in the metadata service.
const (
	spotPath      = "spot/instance-action"               // JSON; 404 as long as there is no notice
	lifecyclePath = "autoscaling/target-lifecycle-state" // InService, Terminated...; 404 outside of Auto Scaling groups
)

// until returns a context that ends when parent does, or when there is a notice. The caller must
// call stop. If the metadata service can't be reached, this is logged once, and it keeps trying.
func (n *notices) until(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = context.WithCancel(parent)
	go func() {
		tick := time.NewTicker(n.interval)
		defer tick.Stop()
		failing := false
		for {
			notice, err := n.readAll(ctx)
			if ctx.Err() != nil {
				return
			}
			if notice != "" {
				n.log.Info("EC2 will end this instance; receiving no more jobs", "notice", notice)
				stop()
				return
			}
			if err != nil && !failing {
				n.log.Warn("could not read EC2's instance notices; if EC2 ends this instance now, other workers paint its jobs again; trying again", "every", n.interval, "error", err)
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

// readAll returns the text of a notice; "" if there is none.
func (n *notices) readAll(ctx context.Context) (string, error) {
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

// read returns an item of the instance metadata; "" if it does not exist.
func (n *notices) read(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, n.interval)
	defer cancel()
	out, err := n.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer out.Content.Close()
	const limit = 4 << 10 // a notice has 70 bytes
	b, err := io.ReadAll(io.LimitReader(out.Content, limit))
	return strings.TrimSpace(string(b)), err
}

// newNotices returns the notices of the metadata service that the SDK's settings name: that of EC2,
// or the one at $AWS_EC2_METADATA_SERVICE_ENDPOINT.
func newNotices(cfg aws.Config, log *slog.Logger) *notices {
	return &notices{client: imds.NewFromConfig(cfg), interval: noticesInterval, log: log}
}
