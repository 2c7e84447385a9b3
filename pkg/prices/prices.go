// Package prices has AWS's prices for what Atelier uses: a dated file a region, each
// price with its unit and source. The comparison's cost model and the receipts
// of jobs read the same files.
//
// Amounts are US dollars before tax, on demand. A GB is 2^30 bytes, as AWS bills it
// (docs.aws.amazon.com/efs/latest/ug, "Understanding billing and usage reports").
package prices

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

//go:embed regions/*.json
var regions embed.FS

// ErrUnknown is wrapped by the errors about a price, or a region, that is not there.
var ErrUnknown = errors.New("unknown price")

// A Table is the prices of one region. It is safe for concurrent use.
type Table struct {
	Region string // as AWS names it: eu-central-1
	Date   string // of the last review, YYYY-MM-DD
	prices map[string]Price
}

// A Price is what one thing costs.
type Price struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Per   float64 `json:"per"`   // the tiers' amounts are for so many units; 1 where it is absent
	Tiers []Tier  `json:"tiers"` // by rising volume; the first is from 0
	Free  float64 `json:"free"`  // units a month of AWS's free tier; no amount here counts it
	From  string  `json:"source"`
	Note  string  `json:"note"`

	Source Source `json:"-"`
}

// A Tier is the price of the units above a volume, in a month.
type Tier struct {
	Above float64 `json:"above"` // units
	USD   float64 `json:"usd"`   // for Price.Per units
}

// A Source is where a price was read.
type Source struct {
	URL       string `json:"url"`
	Publisher string `json:"publisher"`
	Date      string `json:"date"`   // of the publication, or of the reading where it has none: YYYY, YYYY-MM or YYYY-MM-DD
	Quoted    bool   `json:"quoted"` // read where somebody quotes AWS, described in Note; not on AWS's own page
	Note      string `json:"note"`
}

// Regions are those with a file, sorted.
func Regions() []string {
	files, err := regions.ReadDir("regions")
	if err != nil {
		panic(err) // it is embedded
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	return names
}

// Of is the table of a region. Its error wraps [ErrUnknown] where there is none.
func Of(region string) (*Table, error) {
	if !slices.Contains(Regions(), region) {
		return nil, fmt.Errorf("%w: there is no file for region %q, only for %s", ErrUnknown, region, strings.Join(Regions(), " and "))
	}
	f, err := regions.Open("regions/" + region + ".json")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f)
}

// Read reads a file of prices. A file of one's own has the form of those in
// pkg/prices/regions.
func Read(r io.Reader) (*Table, error) {
	var file struct {
		Region  string            `json:"region"`
		Date    string            `json:"date"`
		Sources map[string]Source `json:"sources"`
		Prices  []Price           `json:"prices"`
	}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	if file.Region == "" || !dated.MatchString(file.Date) {
		return nil, fmt.Errorf("read prices: region %q and date %q: both must be there, the date as YYYY-MM-DD", file.Region, file.Date)
	}
	t := &Table{Region: file.Region, Date: file.Date, prices: map[string]Price{}}
	for _, p := range file.Prices {
		source, ok := file.Sources[p.From]
		if !ok {
			return nil, fmt.Errorf("read prices of %s: %q has no source: add one to sources, and its name to the price", t.Region, p.Name)
		}
		p.Source = source
		p.Per = cmp.Or(p.Per, 1)
		if err := p.validate(); err != nil {
			return nil, fmt.Errorf("read prices of %s: %w", t.Region, err)
		}
		if _, twice := t.prices[p.Name]; twice {
			return nil, fmt.Errorf("read prices of %s: %q is there twice", t.Region, p.Name)
		}
		t.prices[p.Name] = p
	}
	return t, nil
}

var dated = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d)?)?$`)

func (p *Price) validate() error {
	if p.Name == "" || p.Unit == "" {
		return fmt.Errorf("%q has no name or no unit", p.Name)
	}
	if u, err := url.Parse(p.Source.URL); err != nil || u.Scheme != "https" || p.Source.Publisher == "" || !dated.MatchString(p.Source.Date) {
		return fmt.Errorf("the source of %q needs an https address, a publisher and a date", p.Name)
	}
	if len(p.Tiers) == 0 || p.Tiers[0].Above != 0 || !(p.Per > 0) || p.Free < 0 {
		return fmt.Errorf("%q needs a tier from 0, for a number of units above 0, with a free allowance of 0 or more", p.Name)
	}
	for i, tier := range p.Tiers {
		if !(tier.USD >= 0) || i > 0 && !(tier.Above > p.Tiers[i-1].Above) {
			return fmt.Errorf("tier %d of %q: prices must be 0 or more, and volumes rise", i+1, p.Name)
		}
	}
	return nil
}

// Price is the price of that name. Its error wraps [ErrUnknown] where there is none.
func (t *Table) Price(name string) (Price, error) {
	p, ok := t.prices[name]
	if !ok {
		return Price{}, fmt.Errorf("%w: %s has no %q as of %s: add it, with its source, to a file of prices", ErrUnknown, t.Region, name, t.Date)
	}
	return p, nil
}

// Names are those of all prices, sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.prices)) }

// Scaled is a copy of the table in which one price is factor times what it was, for
// sensitivities. A price that is not there stays so.
func (t *Table) Scaled(name string, factor float64) *Table {
	c := *t
	c.prices = maps.Clone(t.prices)
	if p, ok := c.prices[name]; ok {
		p.Tiers = slices.Clone(p.Tiers)
		for i := range p.Tiers {
			p.Tiers[i].USD *= factor
		}
		c.prices[name] = p
	}
	return &c
}

// USD is what a month's quantity costs, all tiers considered and the free tier not.
func (p Price) USD(quantity float64) float64 {
	var usd float64
	for i, tier := range p.Tiers {
		next := math.Inf(1)
		if i+1 < len(p.Tiers) {
			next = p.Tiers[i+1].Above
		}
		usd += max(0, min(quantity, next)-tier.Above) * tier.USD / p.Per
	}
	return usd
}
