package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const rowHeight, rowsMargin = 1.0 * vg.Centimeter, 1.7 * vg.Centimeter

// drawRows draws a chart with named rows: points of each series, or stacked bars. The name of a row
// is above it, where the full width is available.
func (c *Chart) drawRows(p *plot.Plot) error {
	p.X.Tick.Marker = ticks{c.logX, c.percentX}
	if c.logX {
		p.X.Scale = plot.LogScale{}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(nil)
	p.Y.Tick.Length, p.Y.Width = 0, 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width, grid.Vertical.Color = 0, color.Gray{225}
	p.Add(grid)
	add := c.points
	if c.stacked {
		add = c.bars
	}
	if err := add(p); err != nil {
		return fmt.Errorf("chart %q: %w", c.Title, err)
	}
	if c.logX {
		p.X.Min, p.X.Max = roundDown(p.X.Min), roundUp(p.X.Max)
	}
	if p.X.Max <= p.X.Min { // one value only, or zeros only
		p.X.Max = 2*p.X.Min + 1
	}
	names := plotter.XYLabels{Labels: c.Rows}
	for row := range c.Rows {
		names.XYs = append(names.XYs, plotter.XY{X: p.X.Min, Y: c.height(float64(row)) + 0.26})
	}
	low, high := p.X.Min, p.X.Max
	if err := texts(p, names, 10, vg.Point{}); err != nil {
		return err
	}
	p.X.Min, p.X.Max = low, high
	p.Y.Min, p.Y.Max = -0.4, float64(len(c.Rows))-0.3
	return c.render(p, rowHeight*vg.Length(len(c.Rows))+rowsMargin)
}

// texts writes labels at points of the plot.
func texts(p *plot.Plot, at plotter.XYLabels, size vg.Length, offset vg.Point) error {
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = font.Font{Variant: "Sans", Size: size}
	}
	labels.Offset = offset
	p.Add(labels)
	return nil
}

// roundDown returns the next lower 1, 2 or 5 times a power of ten, and roundUp the next higher one.
func roundDown(v float64) float64 {
	return roundTo(v, []float64{1, 2, 5}, func(r float64) bool { return r <= v })
}
func roundUp(v float64) float64 {
	return roundTo(v, []float64{10, 5, 2, 1}, func(r float64) bool { return r >= v })
}

// roundTo returns the last of a decade's steps for which fits is true.
func roundTo(v float64, steps []float64, fits func(float64) bool) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	found := v
	for _, step := range steps {
		if r := step * power; fits(r) {
			found = r
		}
	}
	return found
}

// height returns the Y coordinate of a row; the first row is at the top.
func (c *Chart) height(row float64) float64 { return float64(len(c.Rows)-1) - row }

// points draws a marker for each value, and a thin line through the markers of a row.
func (c *Chart) points(p *plot.Plot) error {
	for row := range c.Rows {
		y := c.height(float64(row))
		var span plotter.XYs
		for _, s := range c.Series {
			for i := range s.X {
				if int(s.Y[i]) == row {
					span = append(span, plotter.XY{X: s.X[i], Y: y})
				}
			}
		}
		if len(span) < 2 {
			continue
		}
		line, err := plotter.NewLine(span)
		if err != nil {
			return err
		}
		line.Color, line.Width = color.Gray{150}, vg.Points(1)
		p.Add(line)
	}
	for n, s := range c.Series {
		points := make(plotter.XYs, len(s.X))
		for i := range s.X {
			points[i] = plotter.XY{X: s.X[i], Y: c.height(s.Y[i])}
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: colours[n], Radius: vg.Points(4.5), Shape: markers[n]}
		p.Add(scatter)
		p.Legend.Add(s.Name, scatter)
	}
	return nil
}

// bars draws the series of each row as a stacked bar, with their sum behind it.
func (c *Chart) bars(p *plot.Plot) error {
	sums := make(plotter.Values, len(c.Rows))
	var below *plotter.BarChart
	for n, s := range c.Series {
		values := make(plotter.Values, len(c.Rows))
		for i := range s.X {
			at := int(c.height(s.Y[i]))
			values[at] += s.X[i]
			sums[at] += s.X[i]
		}
		bar, err := plotter.NewBarChart(values, vg.Points(11))
		if err != nil {
			return err
		}
		bar.Horizontal, bar.Color, bar.LineStyle.Width = true, colours[n], 0
		if below != nil {
			bar.StackOn(below)
		}
		below = bar
		p.Add(bar)
		p.Legend.Add(s.Name, bar)
	}
	totals := plotter.XYLabels{}
	for at, sum := range sums {
		totals.XYs, totals.Labels = append(totals.XYs, plotter.XY{X: sum, Y: float64(at)}), append(totals.Labels, figure(sum))
		p.X.Max = max(p.X.Max, sum*1.12) // space for the text
	}
	p.X.Min = 0
	return texts(p, totals, 9, vg.Point{X: vg.Points(5), Y: -vg.Points(3)})
}
