package cost

import (
	"cmp"
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
)

// A Scope is a part of a bill that is compared.
type Scope int

// The scopes.
const (
	Compute Scope = iota // what paints, with its polls, disks and cold reads
	Shared               // everything else, which pictures need whatever paints them
	Whole                // both
)

// A Row is one line of a bill.
type Row struct {
	Part     string  // what of the deployment: see [Template]
	Price    string  // its name in the table
	Quantity float64 // in Unit, in a month
	Unit     string
	Each     float64 // dollars for one unit: the mean over tiers and, where it counts, the free tier
	USD      float64
	Fixed    bool // it is there without pictures too
	Scope    Scope
	Basis    Basis

	factor float64 // of the price; 0 is 1
}

// A Bill is a month's.
type Bill struct {
	Deployment string
	Region     string
	Date       string // of the prices
	Rows       []Row
}

// USD is the sum of a scope's rows.
func (b Bill) USD(s Scope) float64 {
	return b.sum(func(r Row) bool { return s == Whole || r.Scope == s })
}

// Fixed is what a scope costs without a picture.
func (b Bill) Fixed(s Scope) float64 {
	return b.sum(func(r Row) bool { return r.Fixed && (s == Whole || r.Scope == s) })
}

// ByUse is the rest.
func (b Bill) ByUse(s Scope) float64 { return b.USD(s) - b.Fixed(s) }

// Basis is the weakest of the rows'.
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

// Bill is what a month costs. Its error wraps [prices.ErrUnknown] where the table
// lacks a price that the deployment needs.
func (d Deployment) Bill(t *prices.Table, m Month) (Bill, error) {
	b := Bill{Deployment: d.Name, Region: t.Region, Date: t.Date}
	rows, err := d.rows(m)
	if err != nil {
		return b, err
	}
	b.Rows = make([]Row, 0, len(rows)+1)
	all := map[string]float64{} // tiers and allowances are the account's, whichever part uses them up
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

// fee adds AWS's management fee, a share of the instances' price.
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
