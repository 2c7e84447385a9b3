package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

const ended = `{"version":"0","id":"1","source":"aws.datasync","detail-type":"DataSync Task Execution State Change","account":"1",` +
	`"region":"us-east-1","time":"2026-11-29T18:00:00Z","resources":["arn:execution"],"detail":{"State":"SUCCESS"}}`

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct{ event, want string }{
		"sweep":                         {`{"task":"sweep"}`, "sweep"},
		"gallery":                       {` {"task":"gallery"} `, "gallery"},
		"verify":                        {`{"task":"verify"}`, "verify"},
		"one of a pair":                 {`{"task":"verify","pair":"abcdefgh"}`, "pair abcdefgh"},
		"a pair of another task":        {`{"task":"sweep","pair":"abcdefgh"}`, ""},
		"an execution has succeeded":    {ended, "copied arn:execution"},
		"an execution has failed":       {strings.Replace(ended, "SUCCESS", "ERROR", 1), "copied arn:execution"},
		"an execution is being started": {strings.Replace(ended, "SUCCESS", "LAUNCHING", 1), ""},
		"several executions":            {strings.Replace(ended, `["arn:execution"]`, `["a","b"]`, 1), ""},
		"the task's own state":          {strings.Replace(ended, "Task Execution State", "Task State", 1), ""},
		"another service":               {strings.Replace(ended, "aws.datasync", "aws.s3", 1), ""},
		"another task":                  {`{"task":"install"}`, ""},
		"no task":                       {`{"task":""}`, ""},
		"a task and more":               {`{"task":"sweep","source":"aws.events"}`, ""},
		"two tasks":                     {`{"task":"sweep"}{"task":"gallery"}`, ""},
		"a schedule without an input":   {`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`, ""},
		"a batch":                       {`{"Records":[]}`, ""},
		"nothing":                       {`{}`, ""},
		"no object":                     {`"sweep"`, ""},
		"no JSON":                       {`sweep`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			did := ""
			task := func(name string) func(context.Context) error {
				return func(context.Context) error { did += name; return nil }
			}
			f := &function{
				tasks:  map[string]func(context.Context) error{"sweep": task("sweep"), "gallery": task("gallery"), "verify": task("verify")},
				pair:   func(_ context.Context, name string) error { did += "pair " + name; return nil },
				copied: func(_ context.Context, execution string) error { did += "copied " + execution; return nil },
			}
			err := f.invoke(t.Context(), json.RawMessage(c.event))
			if did != c.want || (err == nil) != (c.want != "") {
				t.Errorf("it did %q, want %q; %v", did, c.want, err)
			}
			if err != nil && !strings.Contains(err.Error(), `{"task":"gallery"}, {"task":"sweep"}`) {
				t.Errorf("the error does not list the function's events: %v", err)
			}
		})
	}
}
