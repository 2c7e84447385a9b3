package client

import "context"

// Styles is the API's list of styles.
type Styles struct {
	Styles []struct{ Name, Title string }
	JSON   []byte `json:"-"` // the response
}

// Styles lists the styles. It retries while the API is unavailable.
func (c *Client) Styles(ctx context.Context) (*Styles, error) {
	return Retry(ctx, func() (*Styles, error) { return c.styles(ctx) }, Unavailable, nil)
}

func (c *Client) styles(ctx context.Context) (*Styles, error) {
	ctx, cancel := withSmallTimeout(ctx)
	defer cancel()
	resp, err := c.get(ctx, "v1/styles", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	list := new(Styles)
	if list.JSON, err = c.readJSON(resp, list); err == nil && list.Styles == nil {
		err = c.malformed("it was asked for styles")
	}
	return list, err
}
