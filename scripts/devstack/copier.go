package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// A copier emulates DataSync, started by the maintenance function, and the EventBridge rule that
// sends the event of an execution's end to the function.
type copier struct {
	service *datasync.Service
	address string // value of AWS_ENDPOINT_URL_DATASYNC
}

func startCopier(ctx context.Context, locked ministack.Locked, m *mirror) (*copier, error) {
	cfg, err := locked.Config(ctx)
	if err != nil {
		return nil, err
	}
	client := lambda.NewFromConfig(cfg)
	m.task.Faithful = true
	service := datasync.NewService(m.task, m.executed, func(ctx context.Context, e datasync.Event) error {
		return invoke(ctx, client, maintenanceFunction, e)
	})
	address, err := service.Listen()
	if err != nil {
		service.Close()
		return nil, err
	}
	return &copier{service, address}, nil
}
