package cost

import (
	"cmp"
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
)

// A Scope is the part of a bill that a comparison is about.
type Scope int

// The scopes.
const (
	Compute Scope = iota // painting, with its polls, disks and cold reads
	Shared               // everything else, needed with any kind of compute
	Whole                // both
)

// A Row is one line of a bill.
type Row struct {
	Part     string  // the part of the deployment: see [Template]
	Price    string  // name of the price in the table
	Quantity float64 // in Unit, in a month
	Unit     string
	Each     float64 // dollars for one unit: the mean over tiers, including the free tier if it is used
	USD      float64
	Fixed    bool // independent of the number of pictures
	Scope    Scope
	Basis    Basis

	factor float64 // multiplies the price; 0 means 1
}

// A Bill is the bill of one month.
type Bill struct {
	Deployment string
	Region     string
	Date       string // of the prices
	Rows       []Row
}

// USD returns the sum of a scope's rows in dollars.
func (b Bill) USD(s Scope) float64 {
	return b.sum(func(r Row) bool { return s == Whole || r.Scope == s })
}

// Fixed returns the dollars of a scope that do not depend on the number of pictures.
func (b Bill) Fixed(s Scope) float64 {
	return b.sum(func(r Row) bool { return r.Fixed && (s == Whole || r.Scope == s) })
}

// ByUse returns the dollars of a scope that depend on the number of pictures.
func (b Bill) ByUse(s Scope) float64 { return b.USD(s) - b.Fixed(s) }

// Basis returns the weakest basis of the rows.
func (b Bill) Basis() Basis {
	weakest := Measured
	for _, r := range b.Rows {
		weakest = max(weakest, r.Basis)
	}
	return weakest
}

func (b Bill) sum(which func(Row) bool) (usd float64) {
	for _, r := range b.Rows {
		if which(r) {
			usd += r.USD
		}
	}
	return usd
}

// Bill returns the bill of a month. The error wraps [prices.ErrUnknown] if the table lacks a price
// that the deployment needs.
func (d Deployment) Bill(t *prices.Table, m Month) (Bill, error) {
	b := Bill{Deployment: d.Name, Region: t.Region, Date: t.Date}
	rows, err := d.rows(m)
	if err != nil {
		return b, err
	}
	b.Rows = make([]Row, 0, len(rows)+1)
	all := map[string]float64{} // tiers and allowances are per account, shared by all parts
	for _, r := range rows {
		if !(r.Quantity >= 0) || math.IsInf(r.Quantity, 0) {
			return b, fmt.Errorf("bill of %s: %s has a quantity of %v: it must be 0 or more", d.Name, r.Part, r.Quantity)
		}
		all[r.Price] += r.Quantity
	}
	for _, r := range rows {
		if r.Quantity == 0 {
			continue
		}
		p, err := t.Price(r.Price)
		if err != nil {
			return b, fmt.Errorf("bill of %s: %s: %w", d.Name, r.Part, err)
		}
		quantity := all[r.Price]
		billed := quantity
		if m.FreeTier {
			billed = max(0, quantity-p.Free)
		}
		r.Unit = p.Unit
		r.Each = p.USD(billed) / quantity * cmp.Or(r.factor, 1)
		r.USD = r.Quantity * r.Each
		b.Rows = append(b.Rows, r)
	}
	return b, d.Managed.fee(t, &b)
}

// fee adds AWS's management fee, which is a share of the instances' price.
func (g *Managed) fee(t *prices.Table, b *Bill) error {
	if g == nil {
		return nil
	}
	p, err := t.Price("lambda.managed.fee")
	if err != nil {
		return fmt.Errorf("bill of %s: %w", b.Deployment, err)
	}
	hours := b.sum(func(r Row) bool { return r.Part == managedHours })
	b.Rows = append(b.Rows, Row{
		Part: "managed instances: fee", Price: p.Name, Unit: p.Unit, Quantity: hours, Each: p.USD(1), USD: hours * p.USD(1),
		Fixed: true, Scope: Compute, Basis: g.Basis,
	})
	return nil
}
