package client_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"

	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// A picture is submitted, and its result is saved when the job has ended.
func Example() {
	ctx := context.Background()
	c, err := client.New(client.Config{Address: "https://atelier.example"})
	if err != nil {
		log.Fatal(err)
	}
	photograph, err := picture.Open(ctx, "cat.jpg", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer photograph.Close()
	s, err := c.NewSubmission(&client.Options{Style: "mosaic"}, photograph, nil, rand.Text())
	if err != nil {
		log.Fatal(err)
	}
	j, err := client.Retry(ctx, func() (*client.Job, error) {
		j, _, err := s.Send(ctx, nil)
		return j, err
	}, client.Temporary, nil)
	if err != nil {
		log.Fatal(err)
	}
	j, err = c.Follow(ctx, j, nil, func(j *client.Job, _ bool) { fmt.Println(j.State) })
	if err == nil {
		err = j.Err()
	}
	if err != nil {
		log.Fatal(err)
	}
	painted := &picture.Destination{Path: "painted.jpg"}
	if err := painted.Write(nil, func(f *os.File) error { return c.Download(ctx, j, f) }); err != nil {
		log.Fatal(err)
	}
}
