// Package prices holds AWS's prices for the services that Atelier uses: a dated file per region, with
// the unit and the source of each price. The comparison's cost model and the receipts of jobs read the
// same files.
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

// ErrUnknown is wrapped by errors about a missing price or region.
var ErrUnknown = errors.New("unknown price")

// A Table is the prices of one region. It is safe for concurrent use.
type Table struct {
	Region string // as AWS names it: eu-central-1
	Date   string // of the last review, YYYY-MM-DD
	prices map[string]Price
}

// A Price is the price of one item.
type Price struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Per   float64 `json:"per"`   // number of units that the tiers' amounts are for; 1 if it is missing
	Tiers []Tier  `json:"tiers"` // by rising volume; the first starts at 0
	Free  float64 `json:"free"`  // units a month of AWS's free tier, which no amount here includes
	From  string  `json:"source"`
	Note  string  `json:"note"`

	Source Source `json:"-"`
}

// A Tier is the price of the units above a monthly volume, up to the volume of the next tier.
type Tier struct {
	Above float64 `json:"above"` // units
	USD   float64 `json:"usd"`   // for Price.Per units
}

// A Source says where a price was read.
type Source struct {
	URL       string `json:"url"`
	Publisher string `json:"publisher"`
	Date      string `json:"date"`   // of the publication, or of the reading if it has none: YYYY, YYYY-MM or YYYY-MM-DD
	Quoted    bool   `json:"quoted"` // read in a quotation of AWS, which Note describes; not on AWS's own page
	Note      string `json:"note"`
}

// Regions returns the regions that have a file, sorted.
func Regions() []string {
	files, err := regions.ReadDir("regions")
	if err != nil {
		panic(err) // the files are embedded
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	return names
}

// ForRegion returns the table of a region. If there is none, the error wraps [ErrUnknown].
func ForRegion(region string) (*Table, error) {
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

// Read reads a file of prices, in the format of those in pkg/prices/regions.
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
		return nil, fmt.Errorf("read prices: region %q and date %q: both are required, the date as YYYY-MM-DD", file.Region, file.Date)
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
			return nil, fmt.Errorf("read prices of %s: %q occurs twice", t.Region, p.Name)
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
		return fmt.Errorf("%q needs a tier from 0, a number of units above 0, and a free allowance of 0 or more", p.Name)
	}
	for i, tier := range p.Tiers {
		if !(tier.USD >= 0) || i > 0 && !(tier.Above > p.Tiers[i-1].Above) {
			return fmt.Errorf("tier %d of %q: prices must be 0 or more, and volumes must rise", i+1, p.Name)
		}
	}
	return nil
}

// Price returns the price of that name. If there is none, the error wraps [ErrUnknown].
func (t *Table) Price(name string) (Price, error) {
	p, ok := t.prices[name]
	if !ok {
		return Price{}, fmt.Errorf("%w: %s has no %q as of %s: add it, with its source, to a file of prices", ErrUnknown, t.Region, name, t.Date)
	}
	return p, nil
}

// Names returns the names of all prices, sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.prices)) }

// Scaled returns a copy of the table in which the named price is multiplied by factor, to find out
// how much a result depends on that price. A price that is missing stays missing.
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

// USD returns what a quantity in one month costs in US dollars, with all tiers. The free tier is
// not subtracted.
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
