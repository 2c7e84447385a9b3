package plan

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes a plan for people: the choice, all candidates, and the assumptions.
func (p *Plan) Text(w io.Writer) error {
	t := &strings.Builder{}
	fmt.Fprintf(t, "Pictures of %d px, %s (%.4g a day), 95%% within %g s, in %s.\n\n", p.Request.Size, p.Request.Load, p.Request.JobsPerDay, p.Request.P95, p.Prices.Region)
	if c := p.find(p.Choice.Best); c == nil {
		fmt.Fprintf(t, "%s\n", p.Choice.Why)
	} else {
		fmt.Fprintf(t, "Choose: %s.\n%s\n", c.Name, p.Choice.Why)
		if len(p.Choice.TooClose) > 0 {
			fmt.Fprintf(t, "Too close to call, because the interval of the difference includes zero: %s.\n", strings.Join(append([]string{c.Name}, p.Choice.TooClose...), "; "))
		}
		fmt.Fprintf(t, "A month: %s $, of which %.2f are fixed and %.2f by use; compute is %.2f of it.\n", c.USD.text(usd), c.Fixed, c.ByUse, c.Compute)
		fmt.Fprintf(t, "Latency: p50 %s s, p95 %s s.\n", c.P50.text(seconds), c.Latency.text(seconds))
		if c.Note != "" {
			fmt.Fprintf(t, "Note: %s.\n", c.Note)
		}
		if d := p.find(p.Choice.Deployable); d != nil {
			if d != c {
				fmt.Fprintf(t, "The cheapest candidate that a command deploys: %s, %s $ a month, p95 %s s.\n", d.Name, d.USD.text(usd), d.Latency.text(seconds))
			}
			fmt.Fprintf(t, "\n  %s\n", d.Command)
		}
	}
	t.WriteString("\n")
	table := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "candidate\tmaximum\t$ a month\tfixed\tby use\tp50, s\tp95, s\tcold\tfast enough")
	for _, c := range p.Candidates {
		fmt.Fprintf(table, "%s\t%d\t%s\t%.2f\t%.2f\t%s\t%s\t%.3g%%\t%s\n", c.Name, c.AtOnce, c.USD.text(usd), c.Fixed, c.ByUse,
			c.P50.text(seconds), c.Latency.text(seconds), c.ColdShare*100, map[Meets]string{Yes: "yes", Uncertain: "uncertain", No: "too slow"}[c.Meets])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(t, "\nMeasured: service times (%s, %s, %s).\n", p.Times.From, p.Times.Date, p.Times.Machine)
	fmt.Fprintf(t, "Simulated: latencies, cold starts, hours of instances; %s.\n", p.Simulated.Note)
	fmt.Fprintf(t, "Priced: with the on-demand prices of %s as reviewed on %s.\nAssumed:\n", p.Prices.Region, p.Prices.Date)
	for _, a := range p.Assumptions {
		fmt.Fprintf(t, "  %s: %g %s (%s)\n", a.Name, a.Value, a.Unit, a.Source)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// text formats a figure with its interval.
func (b Bound) text(format func(float64) string) string {
	return format(b.Estimate) + " (" + format(b.Low) + " to " + format(b.High) + ")"
}

func usd(v float64) string { return fmt.Sprintf("%.2f", v) }

// seconds formats seconds with three significant digits, or more for large values.
func seconds(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func (p *Plan) find(name string) *Candidate {
	for i := range p.Candidates {
		if p.Candidates[i].Name == name {
			return &p.Candidates[i]
		}
	}
	return nil
}
