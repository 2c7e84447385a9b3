package main

import (
	"time"

	"github.com/alecthomas/kong"
)

const defaultAPI = "http://127.0.0.1:8080"

var description = `Submits pictures to Atelier, which repaints them in a style, and fetches the
results.

  submitter styles
  submitter submit cat.jpg --style watercolour -o painted.jpg
  submitter submit cat.jpg --style stained-glass:2,watercolour:1 --wait
  submitter submit holiday/ --recursive --style mosaic -o painted/
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o painted.jpg
  submitter retry 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --wait

Exit status:
` + exitHelp()

// commandLine is the command line, as kong parses it.
type commandLine struct {
	settings

	Submit  submitCommand  `cmd:"" help:"Submit pictures; with -o or --wait, wait for the results."`
	Resume  resumeCommand  `cmd:"" help:"Resume a batch that was interrupted or partly failed."`
	Status  statusCommand  `cmd:"" help:"Print the status of jobs."`
	Watch   watchCommand   `cmd:"" help:"Follow jobs until they have ended."`
	Fetch   fetchCommand   `cmd:"" help:"Download the results of jobs."`
	List    listCommand    `cmd:"" help:"List your jobs, newest first."`
	Cancel  cancelCommand  `cmd:"" help:"Cancel jobs that are not painted yet."`
	Retry   retryCommand   `cmd:"" help:"Run failed or canceled jobs again."`
	Delete  deleteCommand  `cmd:"" help:"Erase jobs with their pictures, for good."`
	Redrive redriveCommand `cmd:"" help:"Run many failed jobs again, of all owners."`
	Styles  stylesCommand  `cmd:"" help:"List the styles."`
}

// settings are the flags that every command has.
type settings struct {
	API          string           `name:"api" default:"${api}" placeholder:"URL" help:"Base address of the API (default ${api}; or set $$ATELIER_API)."`
	KeyFile      string           `name:"key-file" placeholder:"FILE" help:"Read the API key from FILE (or set $$ATELIER_API_KEY)."`
	PlaintextKey bool             `name:"allow-plaintext-key" help:"Send the key to another machine over http too, where anyone on the network can read it (or set $$ATELIER_ALLOW_PLAINTEXT_KEY)."`
	Timeout      time.Duration    `default:"10m" placeholder:"10m" help:"Give up after this time, or, with several jobs, after this time without progress of any; 0 never gives up."`
	JSON         bool             `name:"json" help:"Print the API's JSON on standard output."`
	Version      kong.VersionFlag `help:"Print the version."`
}

// environment sets flags that are not on the command line from environment variables. It uses
// getenv instead of kong's env tag, so that run does not depend on the process's environment.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name, ok := map[string]string{"api": "ATELIER_API", "allow-plaintext-key": plaintextVariable}[flag.Name]
		if v := getenv(name); ok && v != "" {
			return v, nil
		}
		return nil, nil
	})
}
